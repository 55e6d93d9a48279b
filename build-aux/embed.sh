#!/bin/sh
# Turns files into C arrays, with POSIX tools only.
#
#   embed.sh NAME [FILE...] > out.c
#
# out.c defines NAME and NAME_count as core/embedded.h declares them. A FILE
# that is not found from here is looked up in $srcdir, so that a make rule can
# list sources and built files alike.
set -eu

export LC_ALL=C

if [ $# -lt 1 ]; then
	echo 'usage: embed.sh NAME [FILE...] > out.c' >&2
	exit 64
fi
name=$1
shift

# A string of octal escapes: od's words are three digits each, and compilers
# read one long string many times faster than a list of numbers.
as_string() {
	od -A n -v -t o1 <"$1" |
		sed -e 's/[[:space:]]*$//' -e 's/[[:space:]][[:space:]]*/\\/g' \
			-e 's/^/	"/' -e 's/$/"/'
}

sorted() {
	for path; do
		[ -e "$path" ] || path=${srcdir:-.}/$path
		if [ ! -r "$path" ] || [ -d "$path" ]; then
			echo "embed.sh: cannot read $path" >&2
			exit 66
		fi
		printf '%s\t%s\n' "${path##*/}" "$path"
	done | sort
}

list=$(sorted "$@")
tab=$(printf '\t')

printf '/* Made by build-aux/embed.sh. */\n'
printf '#include "config.h"\n\n#include "core/embedded.h"\n'

table=
count=0
if [ -n "$list" ]; then
	while IFS=$tab read -r base path; do
		printf '\nstatic const unsigned char file_%d[] =\n\t""\n' "$count"
		as_string "$path"
		printf '\t;\n'
		table="$table	{ \"$base\", file_$count, sizeof(file_$count) - 1 },
"
		count=$((count + 1))
	done <<-EOF
	$list
	EOF
fi

printf '\nconst struct embedded_file %s[] = {\n%s\t{ NULL, NULL, 0 },\n};\n' \
	"$name" "$table"
printf 'const size_t %s_count = %d;\n' "$name" "$count"
