"""The request bodies, contract section 3. A module for each function, so that no function makes models of another."""
