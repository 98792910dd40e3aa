"""What every page of a report is made of."""
