# From where, and with what device.
package ostiary.guardrails

# METADATA
# title: embargoed country
# description: Nothing is served to the country that this request comes from.
# custom:
#   id: embargoed-country
#   remediation: Try again from another country; the network operator's location counts.
deny contains {"rule": "embargoed-country"} if data.protection.embargoed_countries[input.network.country]

# METADATA
# title: administration from trusted networks only
# description: Administrative actions are taken from trusted networks only.
# custom:
#   id: off-network-admin
#   remediation: Connect to the company network or its VPN first.
deny contains {"rule": "off-network-admin"} if {
	input.action["class"] == "admin"
	not input.network.trusted == true
}

# METADATA
# title: exports need a managed device
# description: Data that is not public is exported to managed devices only.
# custom:
#   id: unmanaged-device-no-export
#   remediation: Use a device that your organisation manages.
deny contains {"rule": "unmanaged-device-no-export"} if {
	input.action["class"] == "export"
	not input.device.managed == true
	data.ostiary.lib.sensitivity >= 1
	not own_words
	not at_console # which asks for a fresh confirmation instead
}

# METADATA
# title: internal resources stay inside
# description: This resource is marked internal; it is for managed devices or trusted networks.
# custom:
#   id: internal-only
#   remediation: Use a managed device, or connect to the company network.
deny contains {"rule": "internal-only"} if {
	"internal-only" in input.resource.labels
	not input.device.managed == true
	not input.network.trusted == true
}
