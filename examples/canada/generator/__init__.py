"""The makers of the worked federation's databases: invented people, as unlike holders know them."""
