/* SPDX-License-Identifier: ISC */
#include "cmd/policy/new.h"

static const char fhir_roles[] = "# The words that the other files here may use.\n"
				 "ehr_authz: 1\n"
				 "structural_roles: [physician, nurse, records-officer]\n"
				 "relations: # what facts may say of a person and a patient\n"
				 "  treating: {object: patient, until: required}\n"
				 "acr: [loa1, loa2] # how well a user is authenticated, weakest first\n";

static const char own_roles[] = "# The words that the other files here may use.\n"
				"ehr_authz: 1\n"
				"structural_roles: [staff, owner]\n"
				"acr: [loa1, loa2] # how well a user is authenticated, weakest first\n";

const struct new_text new_roles = { fhir_roles, own_roles };

static const char fhir_clearances[] =
    "# The authorization level of a user: the highest row that applies.\n"
    "ehr_authz: 1\n"
    "clearances:\n"
    "  - {who: {structural_role: [physician, nurse]}, al: 3} # sees N\n"
    "  - {who: {structural_role: physician, relation: treating}, al: 4} # sees R\n"
    "  - {who: {structural_role: records-officer}, al: 5} # sees V\n"
    "caps: # whatever applies lowers it again\n"
    "  - {where: {acr: {below: loa2}}, al: 3}\n";

static const char own_clearances[] = "# The authorization level of a user: the highest row that applies.\n"
				     "ehr_authz: 1\n"
				     "clearances:\n"
				     "  - {who: {structural_role: staff}, al: 1} # sees internal\n"
				     "  - {who: {structural_role: owner}, al: 2} # sees restricted\n"
				     "caps: # whatever applies lowers it again\n"
				     "  - {where: {acr: {below: loa2}}, al: 1}\n";

const struct new_text new_clearances = { fhir_clearances, own_clearances };

static const char fhir_rules[] =
    "# What the house permits. What no rule permits is denied.\n"
    "ehr_authz: 1\n"
    "layer: organization\n"
    "default: deny\n"
    "no_consent: deny # without the patient's directive nothing is read\n"
    "no_patient: [level-keys] # about no single patient, so no directive is asked\n"
    "rules:\n"
    "  - id: treating\n"
    "    say: Physicians and nurses may read and follow the records of patients they treat.\n"
    "    effect: permit\n"
    "    who: {structural_role: [physician, nurse], relation: treating}\n"
    "    does: [read, search, subscribe, notify]\n"
    "    why: [TREAT]\n"
    "  - id: records\n"
    "    say: Records officers may read records to keep them in order.\n"
    "    effect: permit\n"
    "    who: {structural_role: records-officer}\n"
    "    does: [read, search]\n"
    "    why: [HOPERAT]\n"
    "  - id: keys\n"
    "    say: Whoever has a role gets the level keys of her authorization level on an enrolled device.\n"
    "    effect: permit\n"
    "    who: {structural_role: [physician, nurse, records-officer]}\n"
    "    does: [release-keys]\n"
    "    what: {type: level-keys}\n"
    "    why: [TREAT, HOPERAT]\n"
    "    where: {acr: {at_least: loa2}}\n"
    "    except: [{why: [BTG]}] # an emergency opens one record, and gives no keys\n"
    "  # An emergency that cannot wait for consent:\n"
    "  # - id: emergency\n"
    "  #   say: Breaking the glass opens a record for four hours.\n"
    "  #   effect: permit\n"
    "  #   who: {structural_role: physician}\n"
    "  #   does: [read]\n"
    "  #   why: [BTG]\n"
    "  #   where: {acr: {at_least: loa2}, justification: {present: true}}\n"
    "  #   overrides_consent: always\n"
    "  #   obligations: [{do: notify, to: privacy-officer}, {do: audit, level: high},\n"
    "  #     {do: expire, after: 4h}]\n";

static const char own_rules[] =
    "# What the house permits. What no rule permits is denied.\n"
    "ehr_authz: 1\n"
    "layer: organization\n"
    "default: deny\n"
    "no_consent: ignore # without a directive: deny, permit, break-glass-only, ignore\n"
    "rules:\n"
    "  - id: staff\n"
    "    say: Staff and owners may read and follow records for their work.\n"
    "    effect: permit\n"
    "    who: {structural_role: [staff, owner]}\n"
    "    does: [read, search, subscribe, notify]\n"
    "    why: [HOPERAT]\n"
    "  - id: keys\n"
    "    say: Staff and owners get the level keys of their authorization level on an enrolled device.\n"
    "    effect: permit\n"
    "    who: {structural_role: [staff, owner]}\n"
    "    does: [release-keys]\n"
    "    what: {type: level-keys}\n"
    "    why: [HOPERAT]\n"
    "    where: {acr: {at_least: loa2}}\n";

const struct new_text new_organization = { fhir_rules, own_rules };
