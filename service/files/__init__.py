"""Files of any size, scored in order and in bounded memory."""
