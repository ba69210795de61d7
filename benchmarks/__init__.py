"""How fast the product is, beside its peers: `make bench`."""
