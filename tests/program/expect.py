"""What error answers must be, to the letter."""

MESSAGES = {
    "missing": "Field required",
    "string_type": "Input should be a valid string",
    "int_parsing": "Input should be a valid integer, "
                   "unable to parse string as an integer",
    "json_invalid": "JSON decode error",
    "model_attributes_type": "Input should be a valid dictionary or object "
                             "to extract fields from",
    "string_pattern_mismatch": "String should match pattern "
                               "'^(all|pending|completed)$'",
}
VALIDATION = "Validation error"
SECRET_INPUT = object()     # an input that must not be echoed


def error(kind, loc, given, sentence=None):
    """One error object; a value_error has its sentence."""
    if kind == "value_error":
        return {"type": kind, "loc": loc, "msg": f"Value error, {sentence}",
                "input": given}
    return {"type": kind, "loc": loc, "msg": MESSAGES[kind], "input": given}


def refused(response, *errors):
    """The response is a validation error of A with exactly these errors.

    detail is the sentence of the first error if it has one. ctx is a free
    addition of the error types that have one; nothing else may be added.
    """
    assert response.status_code == 400, (response.status_code, response.text)
    body = response.json()
    assert list(body) == ["detail", "errors"], body
    found = [dict(each) for each in body["errors"]]
    for each, wanted in zip(found, errors):
        assert isinstance(each.pop("ctx", {}), dict), each
        if wanted["input"] is SECRET_INPUT:
            wanted["input"] = each.get("input")
    assert found == list(errors), body["errors"]
    first = errors[0]
    detail = first["msg"].partition(", ")[2] \
        if first["type"] == "value_error" else VALIDATION
    assert body["detail"] == detail, body


def bad_json(response):
    """The response says that the body is not JSON, and where."""
    assert response.status_code == 400, (response.status_code, response.text)
    body = response.json()
    assert body["detail"] == VALIDATION, body
    assert len(body["errors"]) == 1, body
    only = body["errors"][0]
    assert only["type"] == "json_invalid", only
    assert only["msg"] == "JSON decode error", only
    assert len(only["loc"]) == 2 and only["loc"][0] == "body", only
    offset = only["loc"][1]
    assert type(offset) is int, only
    assert 0 <= offset <= len(response.request.content), only
    assert "input" in only, only


def detail(response, status, sentence):
    """The response has this status and exactly this one-member body."""
    assert (response.status_code, response.json()) == (
        status, {"detail": sentence})
