# Labelled lines: the categories of sensitivity, the most frequent first, in the words of HL7 v3-ActCode.
{
	ADOL: "adolescent", B: "business", BH: "behavioral health", CEL: "celebrity", COGN: "cognitive disability",
	DEMO: "all demographic", DIA: "diagnosis", DOB: "date of birth", DRGIS: "drug",
	DVD: "developmental disability", EMOTDIS: "emotional disturbance", EMP: "employee", EMPL: "employer",
	ETH: "substance abuse", ETHUD: "alcohol use disorder", GDIS: "genetic disease",
	GENDER: "gender and sexual orientation", HIV: "HIV/AIDS", IDS: "Identifier", LIVARG: "living arrangement",
	LOCIS: "location", MARST: "marital status", MH: "mental health", MST: "military sexual trauma",
	OPIOIDUD: "opioid use disorder", PATLOC: "patient location", PDS: "patient default",
	PHY: "physician requested", PREGNANT: "pregnancy", PRS: "patient requested", PSY: "psychiatry disorder",
	PSYTHPN: "psychotherapy note", RACE: "race", REL: "religion", SCA: "sickle cell anemia",
	SDV: "sexual assault, abuse, or domestic violence", SEX: "sexuality and reproductive health",
	SICKLE: "sickle cell", SPI: "specially protected", SSP: "sensitive service provider",
	STD: "sexually transmitted disease", SUD: "substance use disorder", TBOO: "taboo", VIO: "violence",
	VIP: "celebrity"
} as $words
| reduce (inputs.ehr.sensitivity // [] | .[]) as $category ({}; .[$category] += 1)
| to_entries | sort_by(-.value, .key)
| if . == [] then "  sensitive for nothing" else "  sensitive for:", (.[] | "    \(.value) \(.key), \($words[.key] // "a category of this policy")") end
