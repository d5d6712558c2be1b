"""The client of agency systems: connect, ask, explain; it plans, signs and verifies by itself.

    from narrows.client import Credential, connect

    async with connect("localhost:7000", credential=Credential.load(folder)) as client:
        answer = await client.ask(
            "SELECT surname FROM person WHERE surname = :name", {"name": "Tremblay"},
            purpose="criminal_investigation", officer="4471", case="VA2026-104233",
            grounds="named by a witness",
        )
        print(answer.table, answer.agencies, answer.caveats)

`connect_sync` gives the same without `await`, for programs that have no event loop.
"""

from narrows.client.answer import Answer
from narrows.client.connect import Client, connect
from narrows.client.credential import Credential
from narrows.client.sync import SyncClient, connect_sync

__all__ = ["Answer", "Client", "Credential", "SyncClient", "connect", "connect_sync"]
