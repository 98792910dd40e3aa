"""The commands below their parsers: what training and calibrating do from files to bundles."""
