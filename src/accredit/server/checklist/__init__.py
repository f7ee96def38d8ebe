"""The going-live checklist of a template: what was observed, what is configured, and what somebody confirmed.

protocol-flow.md section 13. `observations` counts as pages open sessions; each of the other modules judges a part of the items.

    checklist = await read_checklist(node, record)
    checklist.ready
"""
