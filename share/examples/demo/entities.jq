# The ward's staff and relatives, as the site knows them.
{type: "user", id: .party, properties: ({domain: "hospital"} + .properties)}
