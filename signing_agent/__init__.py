"""The approver's own program: shows what is to be signed, asks for the PIN, signs. Runs on the approver's machine only.

    python -m signing_agent --p12 my-key.p12 --origin https://hoso.example.gov.vn

`sign` makes the signature, `inbox` keeps what waits for a decision, `server` speaks HTTP on 127.0.0.1, `pages` is what
the person sees. Neither the key nor the PIN ever reaches the page that asked or its server.

It shares four small modules with the server (`workflows.manifest`, `.registration`, `.documents`, `.coroutines`), which import no Django.
A reader of its own would be a second opinion on what a manifest says: the person would be shown one statement, and the
server might check another. Nothing else of the server is imported.
"""
