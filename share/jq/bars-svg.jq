# The picture of `ehr-policy explain --bars` as SVG:
#   ehr-policy explain -P hospital --bars record.json | jq -nRrf share/jq/bars-svg.jq >bars.svg
def x: 10 + . * 7.2;
def escaped: gsub("&"; "&amp;") | gsub("<"; "&lt;") | gsub(">"; "&gt;");
[inputs | select(. != "")] as $lines
| ($lines | map(length) | max | x + 10) as $width
| ($lines | length * 18 + 16) as $height
| "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \($width) \($height)\" font-family=\"monospace\" font-size=\"12\">",
  "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
  ($lines | to_entries[] | (.key * 18 + 20) as $y | .value
    | (match("[^ █─]+( [^ █─]+)*"; "g")
        | "<text x=\"\(.offset | x)\" y=\"\($y)\" textLength=\"\(.length * 7.2)\">\(.string | escaped)</text>"),
      (match("[█─]+"; "g")
        | "<rect x=\"\(.offset | x)\" y=\"\($y - (if .string[:1] == "█" then 11 else 5 end))\" width=\"\(.length * 7.2)\" height=\"\(if .string[:1] == "█" then 14 else 1 end)\"/>")),
  "</svg>"
