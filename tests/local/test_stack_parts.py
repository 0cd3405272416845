async def test_world(dynamodb_url, aws_url, redis_url, postgres_dsn, issuer, signed_in):
    print(signed_in("alice@example.com"))
