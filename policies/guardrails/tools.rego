# Tool calls of a language model, by facts: what the tool reads and does, where each argument's value comes from, what the
# session has read. No rule here looks at what a text says; values of arguments never come to policy.
package ostiary.guardrails

calls_tool if {
	input.resource.type == "tool"
	input.action.name == "tool.call"
}

tool_facts := input.action.properties

# What is not told counts as the worst.
tool_acts if {
	calls_tool
	not tool_facts.tool.sink == "none"
}

tool_session_untrusted if not tool_facts.labels.untrusted == false

tool_sensitive if not tool_facts.tool.sensitive == false

# A rule of its own, for OPA looks a value up before it comes to the `not`.
tool_sensitive if not tool_confidentiality_told

tool_sensitive if tool_facts.labels.confidentiality >= data.gateway.tools.sensitive_from

tool_confidentiality_told if is_number(tool_facts.labels.confidentiality)

tool_asked if tool_facts.request.asked == true

tool_targets contains one if {
	some one in tool_facts.arguments.origins
	one.kind in data.gateway.tools.targets
}

tool_hot_targets contains one if {
	some one in tool_targets
	one.origin in data.gateway.tools.hot
}

# A place that is only read, as it was found, with nothing added that could carry something out.
tool_plain_fetch if {
	tool_facts.flow.fetch == true
	tool_facts.flow.bare == true
}

# A person approved it: a step-up for this very tool, in this session, a moment ago.
tool_approved if {
	some level in data.ostiary.lib.step_up_levels
	level >= data.gateway.tools.approval.level
	is_number(input.session.step_up.age_s)
	input.session.step_up.age_s <= data.gateway.tools.approval.max_age_s
}

tool_approval(rule) := {
	"rule": rule,
	"acr_values": data.authentication.acr_values[sprintf("%d", [data.gateway.tools.approval.level])],
	"max_age": data.gateway.tools.approval.max_age_s,
}

# METADATA
# title: nothing is known of this call
# description: The call came without the facts that are needed to judge it.
# custom:
#   id: tool-facts-missing
#   remediation: Ask through the gateway or the MCP proxy, which tell them.
deny contains {"rule": "tool-facts-missing"} if {
	input.resource.type == "tool"
	calls_tool
	not tool_facts_complete
}

tool_facts_complete if {
	is_string(tool_facts.tool.sink)
	is_boolean(tool_facts.labels.untrusted)
	is_array(tool_facts.arguments.origins)
	is_boolean(tool_facts.request.asked)
	is_boolean(tool_facts.flow.fetch)
}

# METADATA
# title: the arguments cannot be read
# description: The arguments are no JSON object with each name once, or too large; two readers could see two calls.
# custom:
#   id: tool-arguments-invalid
#   remediation: Send the arguments as one JSON object.
deny contains {"rule": "tool-arguments-invalid"} if {
	input.resource.type == "tool"
	calls_tool
	not tool_facts.arguments.valid == true
}

# METADATA
# title: the tool changed
# description: The tool's description or schema is another than the one that was approved.
# custom:
#   id: tool-changed
#   remediation: Have the tool looked at and approved anew.
deny contains {"rule": "tool-changed"} if {
	input.resource.type == "tool"
	calls_tool
	tool_facts.tool.pin == "changed"
}

# METADATA
# title: the tool looks like another
# description: The name can be taken for that of a tool in the manifest without being it.
# custom:
#   id: tool-name-shadows
#   remediation: Rename the tool, or enter it in the manifest.
deny contains {"rule": "tool-name-shadows"} if {
	input.resource.type == "tool"
	calls_tool
	not tool_facts.tool.shadows == ""
}

# METADATA
# title: an argument is not allowed
# description: The value of an argument fits none of the patterns that the manifest allows.
# custom:
#   id: tool-argument-outside
#   remediation: Use an allowed value, or have the manifest changed.
deny contains {"rule": "tool-argument-outside"} if {
	input.resource.type == "tool"
	calls_tool
	count(object.get(tool_facts.arguments, "outside", ["untold"])) > 0
}

# METADATA
# title: the session holds another tenant's content
# description: Something in the session belongs to another tenant, so nothing may come of it.
# custom:
#   id: tool-foreign-session
#   remediation: Start a new session.
deny contains {"rule": "tool-foreign-session"} if {
	input.resource.type == "tool"
	calls_tool
	not tool_facts.labels.foreign == false
}

# METADATA
# title: the content chose where this goes
# description: Nobody asked for such a call, and where it goes comes from content that anybody could have written.
# custom:
#   id: tool-tainted-target
#   remediation: If you want this, ask for it in your own words and name where it should go.
deny contains {"rule": "tool-tainted-target"} if {
	input.resource.type == "tool"
	tool_acts
	tool_session_untrusted
	count(tool_hot_targets) > 0
	not tool_asked
	not tool_plain_fetch
}

# METADATA
# title: a person must look where this goes
# description: Where this goes was found in content that anybody could have written; you asked for such a call but did not name it.
# custom:
#   id: tool-target-from-content
#   remediation: Approve the call, or name where it should go.
step_up contains tool_approval("tool-target-from-content") if {
	input.resource.type == "tool"
	tool_acts
	tool_session_untrusted
	some one in tool_targets
	tool_not_given(one)
	not tool_plain_fetch
	not tool_approved
}

tool_not_given(one) if one.origin in data.gateway.tools.hot

tool_not_given(one) if {
	one.origin == "field"
	not tool_known_by_name(one)
}

tool_not_given(one) if {
	one.origin in data.gateway.tools.given
	not tool_asked
}

tool_known_by_name(one) if {
	one.kind in data.gateway.tools.known_by_name
	tool_asked
}

# METADATA
# title: a link that the content told to open
# description: The content itself tells somebody to open this place.
# custom:
#   id: tool-fetch-instructed
#   remediation: Approve the call, or name the place yourself.
step_up contains tool_approval("tool-fetch-instructed") if {
	input.resource.type == "tool"
	calls_tool
	tool_session_untrusted
	tool_facts.flow.fetch == true
	count(tool_hot_targets) > 0
	not tool_facts.flow.instructed == false
	not tool_approved
}

# METADATA
# title: a link that could carry something out
# description: The place was found in content that anybody could have written, and something was added to it.
# custom:
#   id: tool-fetch-carries
#   remediation: Approve the call, or name the place yourself.
step_up contains tool_approval("tool-fetch-carries") if {
	input.resource.type == "tool"
	calls_tool
	tool_session_untrusted
	some one in tool_hot_targets
	one.kind in {"url", "host"}
	not tool_facts.flow.bare == true
	not tool_approved
}

# METADATA
# title: nobody asked for this call
# description: The session has read what anybody could have written, and neither the deed nor its values come from the request.
# custom:
#   id: tool-unasked
#   remediation: Approve the call, or ask for it in your own words.
step_up contains tool_approval("tool-unasked") if {
	input.resource.type == "tool"
	tool_acts
	tool_session_untrusted
	not tool_asked_for
	not tool_plain_fetch
	not tool_approved
}

# The deed was asked for, and something of it is the user's own or nothing of it was picked by content.
tool_asked_for if {
	tool_asked
	tool_facts.arguments.named > 0
}

tool_asked_for if {
	tool_asked
	tool_facts.arguments.hot == 0
}

tool_asked_for if {
	tool_asked
	count(tool_targets) > 0
	every one in tool_targets {
		one.origin in data.gateway.tools.own
	}
}

# The user named what it is about (a word, a day or an amount is not enough), and content picked nothing of it.
tool_asked_for if {
	some one in tool_facts.arguments.origins
	one.origin == "user"
	not one.kind in {"amount", "date", "text"}
	tool_facts.arguments.hot == 0
	count(tool_hot_targets) == 0
}

# METADATA
# title: rule of two
# description: Untrusted content, confidential content and a call that changes or sends something meet; two of them need no human.
# custom:
#   id: tool-rule-of-two
#   remediation: Approve the call, or name yourself where it should go.
step_up contains tool_approval("tool-rule-of-two") if {
	input.resource.type == "tool"
	tool_acts
	tool_session_untrusted
	tool_sensitive
	not tool_named_by_human
	not tool_plain_fetch
	not tool_approved
}

# A human is in it: the user or the operator named every place that it goes to.
tool_named_by_human if {
	count(tool_targets) > 0
	every one in tool_targets {
		one.origin in data.gateway.tools.own
	}
}

tool_named_by_human if {
	tool_facts.flow.unaimed == true
	tool_asked_for
}

# Nothing leaves but the user's own words, and content chose at most among those whom the tool knows by name.
tool_named_by_human if {
	tool_asked_for
	count(tool_hot_targets) == 0
	every one in tool_facts.arguments.origins {
		tool_harmless(one)
	}
}

tool_harmless(one) if one.origin in {"user", "allowed", "echoed"}

tool_harmless(one) if {
	one in tool_targets
	tool_known_by_name(one)
}

# A pick among what there is carries nothing out.
tool_harmless(one) if {
	one.kind in {"amount", "date", "id"}
	not one.origin in data.gateway.tools.hot
	not one.origin == "trusted"
}

# What changes something at home needs no more than having been asked for.
tool_named_by_human if {
	tool_facts.tool.sink == "state"
	tool_asked_for
}

# METADATA
# title: the tool is not in the manifest
# description: Nobody has said what this tool reads and does.
# custom:
#   id: tool-unknown
#   remediation: Enter the tool in the manifest.
step_up contains tool_approval("tool-unknown") if {
	input.resource.type == "tool"
	calls_tool
	not tool_facts.tool.known == true
	not tool_approved
}

# METADATA
# title: a link from content goes to others
# description: A text for others holds a link that comes from content that anybody could have written.
# custom:
#   id: tool-planted-link
#   remediation: Look at the link, and approve the call.
step_up contains tool_approval("tool-planted-link") if {
	input.resource.type == "tool"
	tool_acts
	tool_session_untrusted
	not tool_facts.flow.planted == false
	not tool_approved
}

# METADATA
# title: outside the plan
# description: The plan was made before content that anybody could have written was read, and this tool is not in it.
# custom:
#   id: tool-outside-plan
#   remediation: Approve the call, or ask for it in your own words.
step_up contains tool_approval("tool-outside-plan") if {
	input.resource.type == "tool"
	calls_tool
	tool_session_untrusted
	not tool_in_plan
	not tool_approved
}

# A rule of its own: what is not told would end a `not … in …`, and with it the step-up.
tool_in_plan if tool_facts.request.plan in {"none", "inside"}

# METADATA
# title: nobody could look into some content
# description: Images, sound or files that cannot be inspected are in a session with confidential content.
# custom:
#   id: tool-uninspected
#   remediation: Approve the call, or leave the parts out.
step_up contains tool_approval("tool-uninspected") if {
	input.resource.type == "tool"
	tool_acts
	tool_sensitive
	not tool_facts.labels.uninspected == false
	not tool_approved
}

# METADATA
# title: an inspector objects
# description: An inspector of text found an instruction in content that this session has read, or could not look.
# custom:
#   id: tool-inspection
#   remediation: Look at the content, and approve the call.
step_up contains tool_approval("tool-inspection") if {
	input.resource.type == "tool"
	tool_acts
	tool_session_untrusted
	tool_inspection_objects
	not tool_approved
}

tool_inspection_objects if tool_facts.inspection.available == false

tool_inspection_objects if tool_facts.inspection.verdict in {"ask", "block"}
