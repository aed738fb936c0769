"""Fitting a network and judging it by subject. The only importer of torch besides the network itself."""
