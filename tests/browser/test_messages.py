"""Messages that are not the frame's own are ignored (protocol-embed.md section 3): other windows, origins and channels."""

import pytest

from .embedding import document_in, statuses, told

FORGED = "({ accredit: 1, door: 'embed', type: TYPE, channel: CHANNEL, code: 'forged', request_id: 'forged' })"


def forged(kind, channel):
    return FORGED.replace("TYPE", f"'{kind}'").replace("CHANNEL", f"'{channel}'")


@pytest.fixture
def two_frames(owner, shop, application):
    """A page with two frames."""
    fields = owner.fields(owner.integration(application_url=application.url))
    return shop.embed({**fields, "uid": "user-1"}, {**fields, "uid": "user-2", "location": "#two"})


async def channel_of(page, location):
    """A frame's channel; only the page itself can see it."""
    name = await page.locator(f"{location} iframe").get_attribute("name")
    return name.removeprefix("accredit_")


async def settle(page):
    """Lets all messages that are under way arrive: they are delivered in the order in which they were sent."""
    for frame in page.frames:
        await frame.evaluate("new Promise((resolve) => setTimeout(resolve, 30))")


async def expect_nothing_happened(page, console):
    await settle(page)
    assert await statuses(page) == ["ready", "ready"]
    assert await told(page, "#one", "error") == await told(page, "#two", "error") == []
    assert console == []


async def test_from_another_window(page, console, context, two_frames):
    await page.goto(two_frames)
    channel = await channel_of(page, "#one")
    await document_in(page, "#one")
    neighbour = await document_in(page, "#two")
    for kind in ("refused", "hello", "origin_wanted"):
        await neighbour.evaluate(f"parent.postMessage({forged(kind, channel)}, '*')")
        await page.evaluate(f"window.postMessage({forged(kind, channel)}, '*')")
    async with context.expect_page() as opened:
        await page.evaluate("window.popup = open('about:blank')")
    popup = await opened.value
    await popup.evaluate(f"opener.postMessage({forged('refused', channel)}, '*')")
    await expect_nothing_happened(page, console)


async def test_from_another_origin(page, console, two_frames):
    """The right window on the right channel, but only the server may tell of a refusal, or ask for our origin."""
    await page.goto(two_frames)
    frame = await document_in(page, "#one")
    await document_in(page, "#two")
    channel = await channel_of(page, "#one")
    await frame.evaluate("window.messages = []; addEventListener('message', ({ data }) => messages.push(data.type))")
    for kind in ("refused", "origin_wanted"):
        await frame.evaluate(f"parent.postMessage({forged(kind, channel)}, '*')")
    await expect_nothing_happened(page, console)
    assert await frame.evaluate("messages") == []


async def test_on_another_channel(page, console, two_frames):
    await page.goto(two_frames)
    frame = await document_in(page, "#one")
    await document_in(page, "#two")
    await frame.evaluate("window.messages = []; addEventListener('message', ({ data }) => messages.push(data.type))")
    own, other = await channel_of(page, "#one"), await channel_of(page, "#two")
    for channel in (other, "A" * 22, ""):
        await frame.evaluate(f"parent.postMessage({forged('hello', channel)}, '*')")
    await settle(page)
    assert await frame.evaluate("messages") == []
    await frame.evaluate(f"parent.postMessage({forged('hello', own)}, '*')")
    await settle(page)
    assert await frame.evaluate("messages") == ["welcome"]
    await expect_nothing_happened(page, console)


async def test_a_welcome_from_another_than_the_parent_gives_no_port(page, console, two_frames):
    await page.goto(two_frames)
    frame = await document_in(page, "#one")
    neighbour = await document_in(page, "#two")
    channel = await channel_of(page, "#one")
    stolen = "const { port1, port2 } = new MessageChannel(); window.stolen = []; port1.onmessage = (e) => stolen.push(e.data);"
    await neighbour.evaluate(f"{stolen} parent.frames[0].postMessage({forged('welcome', channel)}, '*', [port2])")
    await settle(page)
    await frame.evaluate("connection.event('own.event', 1)")
    await settle(page)
    assert await neighbour.evaluate("stolen") == []
    assert await told(page, "#one", "event") == [{"name": "own.event", "detail": 1}]
    await expect_nothing_happened(page, console)
