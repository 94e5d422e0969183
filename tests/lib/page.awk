# The literal blocks of a manual page: with -v file=NAME the block after the line ".Pa NAME :", with -v files=1
# the names of all such files, with -v commands=1 the sessions, which begin with "$ ", with -v example=N the N-th block or line
# of the section EXAMPLES.
function plain(text) {
	gsub(/\\e/, "\\", text)
	gsub(/\\\(dq/, "\"", text)
	sub(/^\\&/, "", text)
	return text
}
/^\.Sh / { examples = $2 == "EXAMPLES"; seen = 0 }
/^\.Pa [^ ]+ :$/ { name = $2; next }
/^\.Bd -literal/ {
	within = 1
	first = 1
	seen += examples
	if (files && name != "") print name
	next
}
/^\.Ed$/ { within = 0; name = ""; next }
examples && /^\.Dl / && ++seen == example { print plain(substr($0, 5)) }
within && examples && seen == example { print plain($0) }
within && first { session = name == "" && /^\$ /; first = 0 }
within && file != "" && file == name { print plain($0) }
within && commands && session { print plain($0) }
