# Makes the plain page at /docs from the fragments of the API description.
#
#   awk -f docs-page.awk docs/api/*.json > index.html
#
# For any POSIX awk. JSON strings cannot hold a line feed, so each line is cut
# into tokens on its own; a stack of open objects and arrays gives every value
# its path: the number of the file and the names down to it, joined by tabs.

FNR == 1 {
	files++
	depth = 0
	path[0] = files
	type[files] = "object"
}

{
	line = $0
	while (match(line, /"([^"\\]|\\.)*"|[][{}:,]|[-+.0-9A-Za-z]+/)) {
		token(substr(line, RSTART, RLENGTH))
		line = substr(line, RSTART + RLENGTH)
	}
}

END {
	page()
}

# --- reading -----------------------------------------------------------------

function token(word)
{
	if (word == "{" || word == "[") {
		begin(word)
	} else if (word == "}" || word == "]") {
		depth--
	} else if (word == ":") {
		return
	} else if (word == ",") {
		wants_key = (kind[depth] == "object")
	} else if (wants_key) {
		key = substr(word, 2, length(word) - 2)
		wants_key = 0
	} else {
		store(word)
	}
}

# The path of the value that comes now, known to its parent in order.
function place(    here, name)
{
	if (depth == 0)
		return path[0]
	here = path[depth]
	name = kind[depth] == "array" ? count[here] + 1 : key
	count[here]++
	child[here, count[here]] = name
	return here "\t" name
}

function begin(word,    here)
{
	here = place()
	depth++
	path[depth] = here
	kind[depth] = word == "{" ? "object" : "array"
	type[here] = kind[depth]
	wants_key = (word == "{")
}

function store(word,    here)
{
	here = place()
	raw[here] = word
	if (word ~ /^"/) {
		type[here] = "string"
		value[here] = decode(substr(word, 2, length(word) - 2))
	} else {
		type[here] = "other"
		value[here] = word
	}
}

function hex(digits,    i, number)
{
	number = 0
	for (i = 1; i <= length(digits); i++)
		number = number * 16 + index("123456789abcdef", \
			tolower(substr(digits, i, 1)))
	return number
}

# A code point of the basic plane in UTF-8; the locale is C, %c is a byte.
function utf8(point)
{
	if (point < 128)
		return sprintf("%c", point)
	if (point < 2048)
		return sprintf("%c%c", 192 + int(point / 64), 128 + point % 64)
	return sprintf("%c%c%c", 224 + int(point / 4096),
		128 + int(point / 64) % 64, 128 + point % 64)
}

function decode(text,    out, at, mark)
{
	out = ""
	while ((at = index(text, "\\")) > 0) {
		mark = substr(text, at + 1, 1)
		out = out substr(text, 1, at - 1)
		text = substr(text, at + 2)
		if (mark == "n") {
			out = out "\n"
		} else if (mark == "t") {
			out = out "\t"
		} else if (mark == "u") {
			out = out utf8(hex(substr(text, 1, 4)))
			text = substr(text, 5)
		} else {
			out = out mark
		}
	}
	return out text
}

# --- looking up --------------------------------------------------------------

# Where a value really is: follows its $ref, first in the same fragment.
function resolve(here,    ref, tail, i, own)
{
	while ((ref = value[here "\t$ref"]) ~ /^#\//) {
		tail = substr(ref, 3)
		gsub(/\//, "\t", tail)
		gsub(/~1/, "/", tail)
		own = here
		sub(/\t.*/, "", own)
		if ((own "\t" tail) in type) {
			here = own "\t" tail
			continue
		}
		for (i = 1; i <= files && !((i "\t" tail) in type); i++)
			;
		if (i > files)
			return here
		here = i "\t" tail
	}
	return here
}

function name_of(ref)
{
	sub(/.*\//, "", ref)
	return ref
}

# --- writing -----------------------------------------------------------------

function html(text)
{
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	gsub(/>/, "\\&gt;", text)
	gsub(/"/, "\\&quot;", text)
	return text
}

# One line of Markdown: only `code`.
function inline(text,    out, parts, n, i)
{
	n = split(html(text), parts, "`")
	out = parts[1]
	for (i = 2; i <= n; i++)
		out = out (i % 2 == 0 ? "<code>" : "</code>") parts[i]
	return out
}

# Paragraphs and lists.
function prose(text,    lines, n, i, is_open)
{
	n = split(text, lines, "\n")
	is_open = 0
	for (i = 1; i <= n; i++) {
		if (lines[i] ~ /^- /) {
			print is_open ? "" : "<ul>"
			is_open = 1
			print "<li>" inline(substr(lines[i], 3)) "</li>"
			continue
		}
		if (is_open)
			print "</ul>"
		is_open = 0
		if (lines[i] != "")
			print "<p>" inline(lines[i]) "</p>"
	}
	if (is_open)
		print "</ul>"
}

function spaces(n)
{
	return sprintf("%" n "s", "")
}

# A value as indented JSON.
function json(here, indent,    out, i, n, name, is_object)
{
	if (here in raw)
		return raw[here]
	is_object = (type[here] == "object")
	n = count[here] + 0
	if (n == 0)
		return is_object ? "{}" : "[]"
	out = is_object ? "{" : "["
	for (i = 1; i <= n; i++) {
		name = child[here, i]
		out = out (i > 1 ? "," : "") "\n" spaces(indent + 2) \
			(is_object ? "\"" name "\": " : "") \
			json(here "\t" name, indent + 2)
	}
	return out "\n" (indent > 0 ? spaces(indent) : "") (is_object ? "}" : "]")
}

function joined(here, between,    out, i)
{
	out = ""
	for (i = 1; i <= count[here]; i++)
		out = out (i > 1 ? between : "") value[here "\t" child[here, i]]
	return out
}

# A schema in a few words, as HTML.
function words(here,    out, i, name)
{
	if ((here "\t$ref") in raw) {
		name = name_of(value[here "\t$ref"])
		return "<a href=\"#schema-" name "\">" name "</a>"
	}
	if (type[here "\ttype"] == "array")
		out = joined(here "\ttype", " or ")
	else
		out = value[here "\ttype"]
	if (out == "array")
		out = "array of " words(here "\titems")
	else
		out = html(out)
	if ((here "\tenum") in type)
		out = out ": <code>" html(joined(here "\tenum", " ")) "</code>"
	if ((here "\tconst") in raw)
		out = out " <code>" html(value[here "\tconst"]) "</code>"
	for (i = 1; i <= 2; i++) {
		name = i == 1 ? "oneOf" : "anyOf"
		if ((here "\t" name) in type)
			out = out alternatives(here "\t" name)
	}
	if ((here "\tformat") in raw)
		out = out ", " html(value[here "\tformat"])
	if ((here "\tminLength") in raw)
		out = out ", ≥ " value[here "\tminLength"] " characters"
	if ((here "\tmaxLength") in raw)
		out = out ", ≤ " value[here "\tmaxLength"] " characters"
	if ((here "\tminimum") in raw)
		out = out ", ≥ " value[here "\tminimum"]
	if ((here "\tmaximum") in raw)
		out = out ", ≤ " value[here "\tmaximum"]
	if ((here "\tdefault") in raw)
		out = out ", default <code>" html(value[here "\tdefault"]) "</code>"
	sub(/^, /, "", out)
	return out
}

function alternatives(here,    out, i)
{
	out = ""
	for (i = 1; i <= count[here]; i++)
		out = out (i > 1 ? " or " : "") words(here "\t" child[here, i])
	return out
}

function is_required(schema, name,    i)
{
	for (i = 1; i <= count[schema "\trequired"]; i++)
		if (value[schema "\trequired\t" i] == name)
			return 1
	return 0
}

# The members of an object, as a table.
function members(schema,    here, i, n, name)
{
	schema = resolve(schema)
	n = count[schema "\tproperties"] + 0
	if (n == 0) {
		print "<p>" words(schema) "</p>"
		return
	}
	print "<table>"
	for (i = 1; i <= n; i++) {
		name = child[schema "\tproperties", i]
		here = schema "\tproperties\t" name
		print "<tr><td><code>" html(name) "</code></td><td>" \
			(is_required(schema, name) ? "required" : "") \
			"</td><td>" words(here) "</td><td>" \
			inline(value[here "\tdescription"]) "</td></tr>"
	}
	print "</table>"
}

function examples(here,    i, name)
{
	if ((here "\texample") in type)
		print "<pre>" html(json(here "\texample", 0)) "</pre>"
	for (i = 1; i <= count[here "\texamples"]; i++) {
		name = child[here "\texamples", i]
		prose(value[here "\texamples\t" name "\tsummary"])
		print "<pre>" html(json(here "\texamples\t" name "\tvalue", 0)) \
			"</pre>"
	}
}

function parameters(list,    i, here)
{
	for (i = 1; i <= count[list]; i++) {
		here = resolve(list "\t" i)
		print "<tr><td><code>" html(value[here "\tname"]) "</code></td><td>" \
			html(value[here "\tin"]) "</td><td>" \
			words(here "\tschema") "</td><td>" \
			inline(value[here "\tdescription"]) "</td></tr>"
	}
}

# Each kind of content of a body or an answer.
function contents(here, with_members,    i, kind_of)
{
	for (i = 1; i <= count[here "\tcontent"]; i++) {
		kind_of = child[here "\tcontent", i]
		if (kind_of != "application/json")
			print "<p><code>" html(kind_of) "</code></p>"
		if (with_members)
			members(here "\tcontent\t" kind_of "\tschema")
		else if ((here "\tcontent\t" kind_of "\tschema") in type)
			print "<p>" words(here "\tcontent\t" kind_of "\tschema") "</p>"
		examples(here "\tcontent\t" kind_of)
	}
}

function operation(route, method,    here, i, status, body, answer)
{
	here = route "\t" method
	print "<h3 id=\"" anchor(route, method) "\"><span class=\"method\">" \
		toupper(method) "</span> <code>" html(leaf(route)) "</code></h3>"
	print "<p><strong>" inline(value[here "\tsummary"]) "</strong></p>"
	prose(value[here "\tdescription"])
	if (count[route "\tparameters"] + count[here "\tparameters"] > 0) {
		print "<h4>Parameters</h4>\n<table>"
		parameters(route "\tparameters")
		parameters(here "\tparameters")
		print "</table>"
	}
	if ((here "\trequestBody") in type) {
		body = resolve(here "\trequestBody")
		print "<h4>Body</h4>"
		prose(value[body "\tdescription"])
		contents(body, 1)
	}
	print "<h4>Responses</h4>"
	for (i = 1; i <= count[here "\tresponses"]; i++) {
		status = child[here "\tresponses", i]
		answer = resolve(here "\tresponses\t" status)
		print "<details" (status ~ /^2/ ? " open" : "") "><summary><strong>" \
			html(status) "</strong> " \
			inline(value[answer "\tdescription"]) "</summary>"
		contents(answer, 0)
		print "</details>"
	}
}

function leaf(here)
{
	sub(/.*\t/, "", here)
	return here
}

function anchor(route, method,    text)
{
	text = method leaf(route)
	gsub(/[^a-zA-Z0-9]+/, "-", text)
	sub(/-$/, "", text)
	# A route may be in two fragments, one for each dialect.
	return text "-" (route + 0)
}

# Calls for each operation: a line of the contents, or the whole.
function operations(in_full,    f, p, m, route, method)
{
	for (f = 1; f <= files; f++) {
		for (p = 1; p <= count[f "\tpaths"]; p++) {
			route = f "\tpaths\t" child[f "\tpaths", p]
			for (m = 1; m <= count[route]; m++) {
				method = child[route, m]
				if (method == "parameters")
					continue
				if (in_full)
					operation(route, method)
				else
					print "<li><a href=\"#" anchor(route, method) \
						"\"><span class=\"method\">" toupper(method) \
						"</span> <code>" html(leaf(route)) \
						"</code></a> " \
						inline(value[route "\t" method "\tsummary"]) \
						"</li>"
			}
		}
	}
}

function schemas(    f, i, here, name)
{
	for (f = 1; f <= files; f++) {
		here = f "\tcomponents\tschemas"
		for (i = 1; i <= count[here]; i++) {
			name = child[here, i]
			print "<h3 id=\"schema-" name "\">" name "</h3>"
			prose(value[here "\t" name "\tdescription"])
			members(here "\t" name)
			examples(here "\t" name)
		}
	}
}

function page(    title)
{
	title = html(value["1\tinfo\ttitle"])
	print "<!DOCTYPE html>\n<html lang=\"en\">\n<head>"
	print "<meta charset=\"utf-8\">"
	print "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
	print "<title>" title ": the API</title>"
	print "<link rel=\"stylesheet\" href=\"docs/page.css\">"
	print "</head>\n<body>\n<h1>" title "</h1>"
	prose(value["1\tinfo\tdescription"])
	print "<p>This page lists everything that this version can serve; " \
		"<a href=\"openapi.json\">openapi.json</a> describes what " \
		"this server is configured to serve.</p>"
	print "<h2>Operations</h2>\n<nav><ul>"
	operations(0)
	print "</ul></nav>"
	operations(1)
	print "<h2>Data</h2>"
	schemas()
	print "</body>\n</html>"
}
