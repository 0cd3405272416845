import sys; sys.path.insert(0,'/work/main/tests')
import asyncio
import pytest
from doors import Tus, metadata, until, upload_at, change_upload
from vaultstream.actions.upload import receive as rmod
import vaultstream.actions.upload.receive
R=sys.modules['vaultstream.actions.upload.receive']
from vaultstream.errors import VaultError
async def test_race(alice, vault):
    url=(await alice.create(10, b"abc", **metadata(filename="race"))).headers["Location"]
    gate=asyncio.Event()
    async def slow():
        yield b"def"; await gate.wait()
    a=asyncio.create_task(alice.patch(url,3,slow()))
    async def leased(): return (await upload_at(vault,url)).lease_until is not None
    await until(leased)
    stale=await upload_at(vault,url)
    gate.set()
    print((await a).headers["Upload-Offset"])
    with pytest.raises(VaultError):
        await R._leased(vault, stale)
    print((await alice.head(url)).headers["Upload-Offset"])
