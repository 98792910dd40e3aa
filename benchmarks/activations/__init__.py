"""Tests claims about activations over labelled sets."""
