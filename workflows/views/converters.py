class DigestConverter:
    """A SHA-256 in an address: 64 lower-case hexadecimal digits, as 32 bytes in the view."""

    regex = "[0-9a-f]{64}"

    def to_python(self, value: str) -> bytes:
        return bytes.fromhex(value)

    def to_url(self, value: bytes | memoryview) -> str:
        return bytes(value).hex()
