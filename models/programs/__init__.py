"""The parts that all command-line programs share: parser, reading flags, input files, progress bar."""
