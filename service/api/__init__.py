"""The endpoints, their parameters and the OpenAPI document."""
