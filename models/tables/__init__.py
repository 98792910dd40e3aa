"""Reads tables from files, whole or in chunks, and lists what was repaired on the way.

A text file's cells stay text until the schema says what they are: a column then reads the same in every
chunk, and a value in row 50,000 cannot change what row 1 meant.
"""
