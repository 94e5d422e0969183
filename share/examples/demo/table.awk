# Lines of cells that tabs part, as a table.
BEGIN { FS = "\t" }
{
	for (i = 1; i <= NF; i++) {
		cell[NR, i] = $i
		if (length($i) > wide[i]) wide[i] = length($i)
	}
	if (NF > most) most = NF
}
END {
	for (r = 1; r <= NR; r++) {
		line = " "
		for (i = 1; i <= most; i++) line = line sprintf(" %-" wide[i] + 1 "s", cell[r, i])
		sub(/ +$/, "", line)
		print line
	}
}
