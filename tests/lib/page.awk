# The literal blocks of a manual page: with -v file=NAME the block after the line ".Pa NAME :", with -v files=1
# the names of all such files, with -v commands=1 the sessions, which begin with "$ ".
function plain(text) {
	gsub(/\\e/, "\\", text)
	sub(/^\\&/, "", text)
	return text
}
/^\.Pa [^ ]+ :$/ { name = $2; next }
/^\.Bd -literal$/ {
	within = 1
	first = 1
	if (files && name != "") print name
	next
}
/^\.Ed$/ { within = 0; name = ""; next }
within && first { session = name == "" && /^\$ /; first = 0 }
within && file != "" && file == name { print plain($0) }
within && commands && session { print plain($0) }
