"""A federation's folder: its YAML files, read, checked against each other, and told in words."""
