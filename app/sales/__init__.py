"""Orders of shops that creators brought, their discount codes, and the commission that follows."""
