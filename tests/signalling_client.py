"""A client that speaks only the signalling, for what the stock SDKs do not let out: pings, forbidden orders."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from livekit.protocol.rtc import SignalRequest, SignalResponse


class SignallingClient:
    """One accepted websocket on `/rtc`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.received: list[SignalResponse] = []
        self._socket = socket
        self._reader = asyncio.create_task(self._read())

    async def send(self, request: SignalRequest) -> None:
        await self._socket.send_bytes(request.SerializeToString())

    async def ping(self) -> float:
        """Seconds until the pong."""
        sent_at = time.monotonic()
        request = SignalRequest()
        request.ping_req.timestamp = time.time_ns() // 1_000_000
        await self.send(request)
        while not any(answer.pong_resp.last_ping_timestamp == request.ping_req.timestamp for answer in self.received):
            assert not self._reader.done(), "the websocket was closed"
            await asyncio.sleep(0.002)
        return time.monotonic() - sent_at

    async def close(self) -> None:
        await self._socket.close()
        await self._reader

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.received.append(SignalResponse.FromString(message.data))


@asynccontextmanager
async def signalling(url: str, token: str) -> AsyncIterator[SignallingClient]:
    """Connects as livekit-client does. Raises aiohttp.WSServerHandshakeError with the status of a refusal."""
    query = {"access_token": token, "auto_subscribe": "1", "sdk": "js", "version": "2.23.0", "protocol": "17"}
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/rtc", params=query) as socket:
        client = SignallingClient(socket)
        try:
            yield client
        finally:
            await client.close()
