"""What a stranger's Arrow holds, counted before it is made: messages, heads, texts that cells share."""
