"""A whole federation on one machine: keys minted, databases made, processes started and stopped."""
