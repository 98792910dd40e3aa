"""How a detector is used: over HTTP and on files. Knows `models`, never training; imports no TensorFlow."""
