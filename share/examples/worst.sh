# shellcheck shell=bash
# To be sourced.  worst STATUS...: prints the worst of these exit statuses, in the order of ehr(7).  A stage that failed
# takes the reader away from the stages before it, and they end with 141: so 141 counts only if no other stage failed.
# What is not in the order (a signal, a missing program) is worse than all of it; of several the first counts.
worst() {
	local order=' 0 1 141 7 75 5 2 3 6 126 4 9 ' one before place=0 is=0
	for one; do
		case $order in
		*" $one "*) before=${order%%" $one "*} ;;
		*) before=$order ;;
		esac
		[ "${#before}" -le "$place" ] || place=${#before} is=$one
	done
	echo "$is"
}
