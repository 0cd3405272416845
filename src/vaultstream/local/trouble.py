"""What goes wrong between us and an AWS service that a later attempt may mend; anything else is our own mistake."""

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004  # botocore's own name

TROUBLE = (ClientError, ConnectionError, HTTPClientError)
