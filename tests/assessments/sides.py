"""A Justifacts and an Ashby that keep books and can fail in every way, for the status machine."""

import itertools
import json
import uuid
from collections.abc import Callable
from typing import Any

import requests
import responses

from tests.world import ASHBY, JUSTIFACTS, data

JUSTIFACTS_MODES = (
    *("ok", "refuse", "503", "429", "500", "500 after", "cut before", "cut after", "garbage", "page"),
    *("die before", "die after"),
)
ASHBY_MODES = (
    "ok",
    "500",
    "429",
    "403",
    "page",
    "garbage",
    "cut before",
    "cut after",
    "die before",
    "die after",
)


class WorkerDied(BaseException):
    """Kills the worker in the middle of a call: nothing catches it, nothing is recorded."""


class Side:
    """Answers calls according to its mode; ``after`` modes do what was asked before they fail."""

    def __init__(self) -> None:
        self.mode = "ok"
        #: What happens elsewhere between the deed and its answer.
        self.meanwhile: Callable[[], None] = lambda: None

    def answer(self, act: Any, body: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        mode = self.mode
        if mode.startswith("die"):
            self.mode = "ok"
        if mode == "ok" or mode.endswith("after"):
            result = act(body)
        self.meanwhile()
        if mode == "ok":
            return 200, {}, json.dumps(result)
        if mode.startswith("die"):
            raise WorkerDied
        if mode == "cut before":
            raise requests.ConnectionError("cut")
        if mode == "cut after":
            raise requests.ReadTimeout("cut")
        if mode == "garbage":
            return 200, {}, "<html>"
        if mode == "refuse":
            return 422, {}, json.dumps({"message": "Not today."})
        if mode == "page":
            return 403, {}, "error code: 1010"
        if mode == "429":
            return 429, {"Retry-After": "3"}, "{}"
        return int(mode.split()[0]), {}, json.dumps({"success": False})


def _read(request: Any) -> dict[str, Any]:
    """The body, as a connection takes it: one that is fenced is handed over, or not."""
    body = request.body.read() if hasattr(request.body, "read") else request.body
    found: dict[str, Any] = json.loads(body)
    return found


class Justifacts(Side):
    """Its orders by their reference, and every start that it took."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[str, dict[str, Any]] = {}
        self.starts: list[str] = []
        self.status_call_works = True
        self._clock = itertools.count(1)

    def register(self, wire: responses.RequestsMock) -> None:
        for name, act in (("start", self._start), ("status", self._status), ("cancel", self._cancel)):
            wire.add_callback(responses.POST, f"{JUSTIFACTS}assessment.{name}", self._callback(name, act))

    def _callback(self, name: str, act: Any) -> Any:
        def answer(request: Any) -> tuple[int, dict[str, str], str]:
            body = _read(request)
            if name == "status":
                if not self.status_call_works:
                    return 404, {}, json.dumps({"success": False, "errors": ["unknown_method"]})
                return 200, {}, json.dumps(act(body))
            return self.answer(act, body)

        return answer

    def _start(self, body: dict[str, Any]) -> dict[str, Any]:
        reference = body["reference_id"]
        self.starts.append(reference)
        number = f"JF-{len(self.starts)}"
        self.orders[reference] = {"number": number, "word": "Justifacts Received", "at": next(self._clock)}
        return {"success": True, "results": {"assessment_id": number}}

    def _status(self, body: dict[str, Any]) -> dict[str, Any]:
        for reference, order in self.orders.items():
            if body.get("reference_id") == reference or body.get("assessment_id") == order["number"]:
                return {"success": True, "results": self.word(reference)}
        return {"success": False, "errorInfo": {"code": "assessment_not_found", "message": "None."}}

    def _cancel(self, body: dict[str, Any]) -> dict[str, Any]:
        order = next(o for o in self.orders.values() if o["number"] == body["assessment_id"])
        if order["word"] == "Complete":
            return {"success": False, "errorInfo": {"code": "already_complete", "message": "Complete."}}
        order["cancelled"] = True
        return {"success": True, "results": {"assessment_id": order["number"]}}

    def move(self, reference: str, word: str, result: str) -> None:
        """Forward only, as Justifacts itself works; a result may change after completion."""
        order = self.orders[reference]
        words = ["Justifacts Received", "Applicant Started", "In Process: Justifacts", "Complete"]
        if order.get("cancelled") or words.index(word) < words.index(order["word"]):
            return
        order |= {"word": word, "at": next(self._clock)}
        if word == "Complete":
            order["result"] = result

    def word(self, reference: str) -> dict[str, Any]:
        order = self.orders[reference]
        body: dict[str, Any] = {
            "assessment_id": order["number"],
            "reference_id": reference,
            "timestamp": order["at"],
            "assessment_status": data("status", order["word"]),
        }
        if order.get("cancelled"):
            body["cancelled_reason"] = data("reason", "Cancelled at Justifacts")
        elif "result" in order:
            body["assessment_result"] = data("result", order["result"])
        return body


class Ashby(Side):
    """The story of each assessment as Ashby has taken it, repeats told apart."""

    def __init__(self) -> None:
        super().__init__()
        self.stories: dict[str, list[dict[str, Any]]] = {}

    def register(self, wire: responses.RequestsMock) -> None:
        wire.add_callback(
            responses.POST,
            f"{ASHBY}/assessment.update",
            lambda request: self.answer(self._take, _read(request)),
        )
        info = {"success": True, "results": {"title": "Key", "scopes": ["candidates:write"]}}
        wire.add(responses.POST, f"{ASHBY}/apiKey.info", json=info)

    def _take(self, body: dict[str, Any]) -> dict[str, Any]:
        assert uuid.UUID(body["assessment_id"])
        story = self.stories.setdefault(body["assessment_id"], [])
        if story and story[-1]["timestamp"] >= body["timestamp"]:
            assert body == story[-1], "an update came out of order"
        else:
            story.append(body)
        return {"success": True, "results": {}}
