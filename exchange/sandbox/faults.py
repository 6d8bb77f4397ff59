"""What can go wrong on purpose. A fault that is switched on strikes a given share of the calls, drawn from a seed: a run can be repeated."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """The value is the name in addresses and on the command line; the text says what the other side does then."""

    TIMEOUT = "timeout"
    EMPTY = "empty"
    FALSE_SUCCESS = "false-success"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    LOST_COMMIT = "lost-commit"
    REPLAY = "replay"
    STALE_CODE = "stale-code"
    TOO_MANY = "too-many"
    CLOCK_SKEW = "clock-skew"
    SLOW_DRIP = "slow-drip"
    HALF_BATCH = "half-batch"
    GATEWAY_DOWN = "gateway-down"
    GATEWAY_TOKEN = "gateway-token"  # noqa: S105 - the name of a fault
    GATEWAY_LATE = "gateway-late"
    NODE_BUSY = "node-busy"
    NODE_LATE = "node-late"


# (Vietnamese, English)
TEXTS: Mapping[Fault, tuple[str, str]] = {
    Fault.TIMEOUT: ("Đã ghi nhận nhưng không trả lời, đến khi hết thời gian chờ", "Takes the call, then keeps silent until the caller gives up"),
    Fault.EMPTY: ("Đã ghi nhận, trả lời 204 không có nội dung", "Takes the call and answers 204 with nothing in it"),
    Fault.FALSE_SUCCESS: ("Trả lời 200 nhưng không làm gì, lỗi nằm trong nội dung", "Answers 200 and has done nothing; the error is in the body"),
    Fault.DUPLICATE: ("Mỗi kết quả được trả về hai lần", "Gives every result twice"),
    Fault.REORDER: ("Kết quả trả về không theo thứ tự", "Gives the results in another order"),
    Fault.LOST_COMMIT: ("Trả lời thành công rồi quên mất", "Answers success and forgets it"),
    Fault.REPLAY: ("Trả lại kết quả của lần gọi trước", "Answers with the results of the call before"),
    Fault.STALE_CODE: ("Dùng mã kết quả của bản cũ", "Uses a result code of an older version"),
    Fault.TOO_MANY: ("Từ chối vì quá nhiều lượt gọi (429)", "Refuses: too many calls (429)"),
    Fault.CLOCK_SKEW: ("Đồng hồ nhanh 40 phút, mã truy cập hết hạn ngay", "Its clock is 40 minutes ahead, and tokens end at once"),
    Fault.SLOW_DRIP: ("Trả lời nhỏ giọt từng phần rất chậm", "Answers drop by drop"),
    Fault.HALF_BATCH: ("Chỉ làm một nửa lô", "Takes half of the batch"),
    Fault.GATEWAY_DOWN: ("Trục NDXP không nối được tới nền tảng (lỗi 101503)", "The gateway cannot connect to the other side (fault 101503)"),
    Fault.GATEWAY_TOKEN: ("Trục NDXP không nhận mã truy cập (lỗi 900901)", "The gateway refuses the token (fault 900901)"),
    Fault.GATEWAY_LATE: (
        "Trục NDXP đã chuyển nhưng báo quá giờ (lỗi 101504)",
        "The gateway passes the call on and says “timed out” (101504)",
    ),
    Fault.NODE_BUSY: ("Agent Node bận, hẹn gọi lại", "The Agent Node is busy and says when to come again"),
    Fault.NODE_LATE: ("Agent Node đã chuyển nhưng báo quá giờ", "The Agent Node passes the call on and says that time ran out"),
}
# The certificate is no switch: the second port (`--tls-port`) always shows one that ended yesterday.


@dataclass
class Faults:
    """Which faults are on, and how often each strikes (0 to 1). Safe to ask from several threads."""

    seed: int = 2026
    shares: dict[Fault, float] = field(default_factory=dict)
    struck: dict[Fault, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a game with a seed, not a secret
        self._lock = threading.Lock()

    def set(self, fault: Fault, share: float) -> None:
        """Switch a fault on for this share of the calls; 0 switches it off."""
        with self._lock:
            self.shares[fault] = min(max(share, 0.0), 1.0)

    def strikes(self, fault: Fault) -> bool:
        """Does the fault strike this time?"""
        with self._lock:
            share = self.shares.get(fault, 0.0)
            hit = share > 0 and self._random.random() < share
            if hit:
                self.struck[fault] = self.struck.get(fault, 0) + 1
            return hit

    def shuffled(self, items: list) -> list:
        with self._lock:
            return self._random.sample(items, len(items))


def fault_read(text: str) -> tuple[Fault, float]:
    """ "timeout" or "timeout=0.2" from a command line. Raises ValueError."""
    name, equals, share = text.partition("=")
    return Fault(name), float(share) if equals else 1.0
