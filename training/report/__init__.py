"""Reports in one HTML file each: nothing is fetched when one is opened, neither scripts, fonts nor pictures."""
