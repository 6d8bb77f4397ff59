"""Command line of the signing agent; what it prints is for the approver, in Vietnamese."""

from __future__ import annotations

import argparse
import sys
from getpass import getpass
from pathlib import Path
from urllib.parse import urlsplit

from asn1crypto import pem

from signing_agent.inbox import Inbox
from signing_agent.keys import Key, KeyFile, KeyFileInvalid, PinLocked, PinWrong, Token, TokenUnusable, check_key_file
from signing_agent.server import Agent

DEFAULT_ORIGIN = "http://127.0.0.1:8000"
DEFAULT_PORT = 17171


def origin(text: str) -> str:
    """A site as browsers name it, scheme://host[:port]; never a wildcard."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or "*" in parts.netloc or text.rstrip("/") != f"{parts.scheme}://{parts.netloc}":
        raise argparse.ArgumentTypeError(f"{text!r} phải có dạng https://ten-may-chu, không kèm đường dẫn")
    return text.rstrip("/").lower()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="signing_agent", description="Chương trình ký số của Hồ Sơ, chạy trên máy của người phê duyệt.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--p12", type=Path, help="tệp khóa PKCS#12 (.p12, .pfx)")
    where.add_argument("--pkcs11", type=Path, metavar="TRÌNH_ĐIỀU_KHIỂN", help="tệp trình điều khiển PKCS#11 (.so, .dll) của thiết bị ký số")
    parser.add_argument("--token", default="", help="tên thiết bị, khi cắm nhiều thiết bị")
    parser.add_argument("--certificate", default="", help="tên chứng thư, khi thiết bị có nhiều chứng thư dùng để ký")
    parser.add_argument("--origin", type=origin, action="append", help=f"trang được phép nhờ ký số; lặp lại được (mặc định {DEFAULT_ORIGIN})")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"cổng trên 127.0.0.1 (mặc định {DEFAULT_PORT}; 0: cổng trống bất kỳ)")
    parser.add_argument("--write-certificate", type=Path, metavar="TỆP", help="ghi chứng thư của khóa ra tệp .pem (để đăng ký), rồi thoát")
    options = parser.parse_args(arguments)
    try:
        key = _key(options)
        if options.write_certificate:
            return _write_certificate(key, options.write_certificate)
        agent = Agent(port=options.port, origins=options.origin or [DEFAULT_ORIGIN], waiting=Inbox(key=key, announce=_announce))
    except KeyFileInvalid:
        print(f"{options.p12} không phải là tệp khóa PKCS#12 (.p12, .pfx).", file=sys.stderr)
        return 2
    except TokenUnusable as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"Không khởi động được: {error}", file=sys.stderr)
        return 2
    with agent:
        print(f"Chương trình ký số đang chạy tại {agent.address}")
        print(f"Khóa ký: {key.name}")
        print(f"Trang được phép: {', '.join(sorted(agent.origins))}")
        print("Nhấn Ctrl-C để tắt.", flush=True)
        try:
            agent.serve_forever()
        except KeyboardInterrupt:
            print("Đã tắt.")
    return 0


def _key(options: argparse.Namespace) -> Key:
    if options.p12:
        p12 = options.p12.read_bytes()
        check_key_file(p12)
        return KeyFile(p12, str(options.p12))
    token = Token(options.pkcs11, options.token, options.certificate)
    token.check()
    return token


def _write_certificate(key: Key, path: Path) -> int:
    """The certificate alone, which is no secret; the PIN is asked for since a key file holds it encrypted."""
    try:
        with key.opened(getpass("Mã PIN: ")) as signer:
            path.write_bytes(pem.armor("CERTIFICATE", signer.signing_cert.dump()))
    except (PinWrong, PinLocked):
        print("Mã PIN không đúng, hoặc thiết bị đã khóa.", file=sys.stderr)
        return 2
    print(f"Đã ghi chứng thư vào {path}.")
    return 0


def _announce(code: str) -> None:
    print(f"Mã ghép nối: {code}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
