# Adds up the readings of each meter by the day, so that the order of lines tells no hours:
#
#	jq -n -c -f share/jq/sum-by-day.jq readings.ndjson | ehr-classify -P policies/meter | ...
#
# In: {"meterId":..,"fuel":..,"unit":..,"start":"2026-11-01T06:47:12+01:00","value":1.470} a line, in any order.
# Out: the same members a meter, kind of energy, unit and day, sorted; `start` is the day, `value` the sum to a
# thousandth. The day is that of the local time of the reading. A record without them ends the run with 5: a sum
# without it would be wrong.
def day:
	if (.meterId | type) == "string" and (.value | type) == "number"
		and (.start | type) == "string" and (.start | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}(T|$)"))
	then .start[:10]
	else error("a record without meterId, start or value")
	end;
reduce inputs as $reading ({};
	($reading | [.meterId, .fuel, .unit, day] | tojson) as $key | .[$key] += $reading.value)
| to_entries
| sort_by(.key)[]
| (.key | fromjson) as [$meter, $fuel, $unit, $day]
| {meterId: $meter, fuel: $fuel, unit: $unit, start: $day, value: ((.value * 1000 | round) / 1000)}
| with_entries(select(.value != null))
