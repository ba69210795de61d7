"""HTTP: makes a Lambda handler of a use case. The only package that knows status codes of answers and headers."""
