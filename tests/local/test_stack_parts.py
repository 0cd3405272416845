async def test_world(settings):
    print(settings)
