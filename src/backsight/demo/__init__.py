"""The session that ships with Backsight: a virtual volunteer's three clips and what is true of them."""
