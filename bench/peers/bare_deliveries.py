"""A bare loop over the HTTP client that the server delivers with: one body, posted again and again, and nothing kept of it.

python -m bench.peers.bare_deliveries < {"url": ..., "count": 1000, "connections": 64, "headers": {...}, "body": "..."}
"""

import asyncio
import json
import sys
import time
from typing import Any

import aiohttp
import uvloop


async def deliver(given: dict[str, Any]) -> None:
    """Post so many times, so many at once."""
    body, left = given["body"].encode(), iter(range(given["count"]))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def work() -> None:
            for _ in left:
                async with session.post(given["url"], data=body, headers=given["headers"]) as answer:
                    await answer.read()

        await asyncio.gather(*(work() for _ in range(given["connections"])))


if __name__ == "__main__":
    uvloop.run(deliver(json.load(sys.stdin)))
    print(time.process_time())
