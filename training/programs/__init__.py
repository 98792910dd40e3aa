"""What each command does, below its parser."""
