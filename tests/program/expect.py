"""What error answers must be, to the letter."""

MESSAGES = {
    "missing": "Field required",
    "string_type": "Input should be a valid string",
    "string_too_short": "String should have at least 1 character",
    "bool_type": "Input should be a valid boolean",
    "bool_parsing": "Input should be a valid boolean, "
                    "unable to interpret input",
    "uuid_parsing": "Input should be a valid UUID",
    "datetime_parsing": "Input should be a valid datetime",
    "int_parsing": "Input should be a valid integer, "
                   "unable to parse string as an integer",
    "json_invalid": "JSON decode error",
    "model_attributes_type": "Input should be a valid dictionary or object "
                             "to extract fields from",
    "string_pattern_mismatch": "String should match pattern "
                               "'^(all|pending|completed)$'",
}
VALIDATION = "Validation error"
# Messages with a limit in them, and its name in ctx.
LIMITS = {
    "string_too_long": ("String should have at most {} characters",
                        "max_length"),
    "greater_than_equal": ("Input should be greater than or equal to {}",
                           "ge"),
    "less_than_equal": ("Input should be less than or equal to {}", "le"),
}
SECRET_INPUT = object()     # an input that must not be echoed


def error(kind, loc, given, sentence=None):
    """One error object; a value_error has its sentence."""
    if kind == "value_error":
        return {"type": kind, "loc": loc, "msg": f"Value error, {sentence}",
                "input": given}
    return {"type": kind, "loc": loc, "msg": MESSAGES[kind], "input": given}


def beyond(kind, loc, given, limit):
    """One error object of a limit."""
    msg, name = LIMITS[kind]
    return {"type": kind, "loc": loc, "msg": msg.format(limit),
            "input": given, "ctx": {name: limit}}


def listed(response, *errors):
    """The response is a validation error of B or C with these errors."""
    assert (response.status_code, response.json()) == (
        422, {"detail": list(errors)})


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


def bad_json(response, status=400):
    """The response says that the body is not JSON, and where; 400 as A says
    it, 422 as B and C do."""
    assert response.status_code == status, (response.status_code, response.text)
    body = response.json()
    if status == 400:
        assert body["detail"] == VALIDATION, body
    errors = body["errors" if status == 400 else "detail"]
    assert len(errors) == 1, body
    only = errors[0]
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
