"""Publishing what an owner has: made where it is not there yet, changed to what it should be where it is."""

from typing import Any

from accredit.errors import ConflictError
from accredit.server.demo.backend_api import BackendApi


async def publish(owner: BackendApi, policy: dict[str, Any]) -> None:
    """An integration of that policy."""
    if not await create(owner, "/v1/integrations", policy):
        own = ("integration_id", "deployer_id", "door")
        change = {name: value for name, value in policy.items() if name not in own}
        await owner.call("PATCH", f"/v1/integrations/{policy['integration_id']}", change)


async def create(owner: BackendApi, path: str, body: dict[str, Any]) -> bool:
    """Whether it was not there before."""
    try:
        await owner.call("POST", path, body)
    except ConflictError:
        return False
    return True


async def revoke_all_but(owner: BackendApi, key_id: str) -> None:
    """End what an earlier demo on this data directory made and nobody can know any more."""
    cursor = ""
    while cursor is not None:
        page = await owner.call("GET", f"/v1/keys?limit=100{cursor and f'&cursor={cursor}'}")
        for key in page.body["keys"]:
            if key["state"] != "revoked" and key["key_id"] != key_id:
                await owner.call("POST", f"/v1/keys/{key['key_id']}/revoke", {})
        cursor = page.body["next_cursor"]
