"""Three domains with six house rules each, none of which a model would guess.

Texts and rules are made up for this benchmark.
"""

from policy import Domain, Rule

REPLIES = Domain(
    name="replies",
    instructions="Is this reply fit to be sent to the customer?",
    value_type={"type": "boolean"},
    value=lambda against: not against,
    requests=(
        "My parcel has not arrived.",
        "The lamp came with a crack in it.",
        "I was charged twice.",
        "I would like my money back.",
        "The app does not let me in.",
        "You sent me the wrong size.",
    ),
    details=(
        ("I ordered two weeks ago.", "This is my third message.", "I am a member.", "Thanks!"),
        (
            "Our shop is closed on Sundays.",
            "We have noted your message.",
            "A colleague has looked into it.",
            "You find your orders under Account.",
        ),
    ),
    turned="day",
    rules=(
        Rule(
            name="sorry",
            kept=("We are sorry about this.", "We apologise for the trouble."),
            broken=("Thank you for your message.", "We have received your request."),
            remarks=(
                "Say sorry first.",
                "No apology. Ours always open with one.",
                "Cold: it starts without being sorry.",
                "Where is the apology? It belongs at the start.",
            ),
            praise="Opens with an apology, as it must.",
        ),
        Rule(
            name="day",
            kept=("It is on its way to you.", "We are working on it."),
            broken=("You will have it on Tuesday.", "It will be solved by 4 May."),
            remarks=(
                "Never promise a day.",
                "It names a date. We do not commit to dates.",
                "A day was promised; logistics cannot keep that.",
                "Dates are not ours to promise.",
            ),
            praise="Promises no day: right.",
            turned=(
                "New policy: a reply has to name the day. This one does not.",
                "From now on we do promise a day, and here it is missing.",
                "Since this month a date is a must.",
                "The rule about days is turned round: tell them when.",
            ),
        ),
        Rule(
            name="refund number",
            kept=("Your refund has the number RF-2218.", "The refund RF-9034 is booked."),
            broken=("Your refund is booked.", "We have refunded you."),
            remarks=(
                "A refund needs its RF number.",
                "Refund without an RF number.",
                "They cannot trace a refund that has no RF number.",
                "The RF number is missing.",
            ),
            praise="The refund has its RF number.",
        ),
        Rule(
            name="carrier",
            kept=("Our delivery partner has it.", "It is with the delivery service."),
            broken=("The carrier lost it.", "That was the courier's mistake."),
            remarks=(
                "Do not blame the carrier.",
                "We never put it on the courier.",
                "Blaming the delivery firm is off limits.",
                "The fault is given to the carrier: not allowed.",
            ),
            praise="Does not blame the carrier.",
        ),
        Rule(
            name="signed",
            kept=("Kind regards, Jo (JK)", "Best wishes, Sam (SB)"),
            broken=("Kind regards, Jo", "Best wishes, your team"),
            remarks=(
                "Sign with your initials in brackets.",
                "The initials in brackets are missing at the end.",
                "No (XY) after the name.",
                "Who wrote it? Initials in brackets, please.",
            ),
            praise="Signed with initials in brackets.",
        ),
        Rule(
            name="voucher",
            kept=("As a gesture we offer 10 points.", "We add 20 points to your account."),
            broken=("As a gesture we send a voucher.", "You get a 5 euro voucher."),
            remarks=(
                "Points, never vouchers.",
                "We stopped giving vouchers; only points.",
                "A voucher was offered. It has to be points.",
                "No vouchers.",
            ),
            praise="Offers points, not a voucher.",
            rare=True,
        ),
    ),
)

LEVELS = ("merge", "polish", "fix", "stop")

QUERIES = Domain(
    name="queries",
    instructions=(
        "What has to be done with this SQL query before it goes into the report: merge it as it "
        "is, polish it, fix it, or stop it?"
    ),
    value_type={"enum": list(LEVELS)},
    value=lambda against: LEVELS[max((rule.weight for rule in against), default=0)],
    requests=(
        "Orders by country.",
        "Revenue of last month.",
        "Customers who left.",
        "Open invoices.",
        "Visits per campaign.",
        "Returns per product.",
    ),
    details=(
        ("For the board.", "Asked by sales.", "Runs every night.", "Once only."),
        ("-- reviewed", "-- draft", "-- report", "-- v2"),
    ),
    joined_by="\n",
    turned="limit",
    rules=(
        Rule(
            name="columns",
            kept=("SELECT o.id, o.country", "SELECT o.id, o.status"),
            broken=("SELECT *", "SELECT o.*"),
            remarks=(
                "Polish: name the columns, no star.",
                "A star again. List the columns.",
                "Columns have to be listed.",
                "No SELECT *, however small the table.",
            ),
            praise="Columns are listed.",
            weight=1,
        ),
        Rule(
            name="cents",
            kept=(", o.amount_cents / 100.0 AS amount", ", SUM(o.amount_cents) / 100.0 AS total"),
            broken=(", o.amount AS amount", ", SUM(o.amount) AS total"),
            remarks=(
                "Fix: money comes from amount_cents.",
                "`amount` is the old column; take amount_cents and divide.",
                "Sums of `amount` are rounded. Use the cents.",
                "Wrong money column: amount_cents it is.",
            ),
            praise="Money is taken from amount_cents.",
            weight=2,
        ),
        Rule(
            name="deleted",
            kept=("FROM orders o WHERE o.gone_at IS NULL", "FROM orders o WHERE gone_at IS NULL"),
            broken=("FROM orders o WHERE 1 = 1", "FROM orders o WHERE o.id > 0"),
            remarks=(
                "Fix: rows with gone_at are deleted ones.",
                "It counts deleted orders; gone_at must be null.",
                "Leave out what has gone_at.",
                "The gone_at filter is missing.",
            ),
            praise="Leaves out deleted rows.",
            weight=2,
        ),
        Rule(
            name="people",
            kept=("AND o.customer_key IS NOT NULL", "AND o.customer_key <> ''"),
            broken=("AND o.email IS NOT NULL", "AND o.email LIKE '%@%'"),
            remarks=(
                "Stop: emails may not be in a report query.",
                "It touches email. Not in reports, ever.",
                "Personal data: use customer_key instead of email.",
                "Email in a report is a case for the privacy officer.",
            ),
            praise="No personal data, customer_key is used.",
            weight=3,
        ),
        Rule(
            name="limit",
            kept=("ORDER BY o.id", "ORDER BY 1"),
            broken=("ORDER BY o.id LIMIT 100", "ORDER BY 1 LIMIT 50"),
            remarks=(
                "Polish: no LIMIT in report queries, it hides rows.",
                "Take the LIMIT out.",
                "A report shows all rows, so no LIMIT.",
                "LIMIT has no place here.",
            ),
            praise="No LIMIT: good.",
            turned=(
                "New: report queries need a LIMIT now. Polish it.",
                "We changed that: without a LIMIT it is not finished.",
                "From this week on a LIMIT is asked for.",
                "The rule on LIMIT is turned round; add one.",
            ),
            weight=1,
        ),
        Rule(
            name="zone",
            kept=("-- dates in Europe/Riga", "-- days are Riga days"),
            broken=("-- dates in UTC", "-- days are UTC days"),
            remarks=(
                "Fix: days are Riga days, not UTC.",
                "UTC shifts our evening sales; use Europe/Riga.",
                "The books are kept in Riga time.",
                "Time zone is wrong: Riga.",
            ),
            praise="Riga days, as the books.",
            weight=2,
            rare=True,
        ),
    ),
)

NOTES = Domain(
    name="notes",
    instructions="How good is this note of a clinic visit, from 1 (send back) to 5 (file it)?",
    value_type={"type": "integer", "minimum": 1, "maximum": 5},
    value=lambda against: max(1, 5 - sum(rule.weight for rule in against)),
    requests=(
        "Visit for a cough.",
        "Control after surgery.",
        "Visit for back pain.",
        "Yearly check.",
        "Visit for a rash.",
        "Follow-up on blood pressure.",
    ),
    details=(
        ("Adult, 54.", "Adult, 31.", "Adult, 67.", "Adult, 45."),
        (
            "Patient came alone.",
            "Vital signs were taken.",
            "The visit took 15 minutes.",
            "Seen in room 2.",
        ),
    ),
    turned="source",
    rules=(
        Rule(
            name="allergies",
            kept=("Allergies: none known.", "Allergies: penicillin."),
            broken=("No other complaints.", "History as before."),
            remarks=(
                "Allergies are missing: two points off.",
                "No line on allergies. That costs two.",
                "Allergies must be stated, also if none.",
                "Where are the allergies?",
            ),
            praise="Allergies are stated.",
            weight=2,
        ),
        Rule(
            name="daily",
            kept=("Takes 5 mg once daily.", "Takes 10 mg twice daily."),
            broken=("Takes 5 mg qd.", "Takes 10 mg bid."),
            remarks=(
                "qd and bid are banned here; write it out. Two off.",
                "Abbreviated dosing: written out, please.",
                "No Latin abbreviations for doses.",
                "Write daily, not qd or bid.",
            ),
            praise="Dosing is written out.",
            weight=2,
        ),
        Rule(
            name="source",
            kept=("Patient reports less pain.", "Patient reports sleeping well."),
            broken=("Less pain.", "Sleeps well."),
            remarks=(
                "Say who reports it: one off.",
                "Whose words are these? 'Patient reports' is missing.",
                "Complaints need their source.",
                "One off: no 'patient reports'.",
            ),
            praise="It says who reports.",
            turned=(
                "New house style: leave out 'patient reports'. One off.",
                "We no longer write 'patient reports'; it is clutter.",
                "From now on no source before complaints.",
                "The rule is turned round: just the finding.",
            ),
            weight=1,
        ),
        Rule(
            name="side",
            kept=("Pain on the left side.", "Swelling on the right side."),
            broken=("Pain (L).", "Swelling (R)."),
            remarks=(
                "Left and right are written out. One off.",
                "(L) and (R) get mixed up; write the side.",
                "One off for the abbreviated side.",
                "Spell out the side.",
            ),
            praise="The side is written out.",
            weight=1,
        ),
        Rule(
            name="plan",
            kept=("Plan: back in 2 weeks.", "Plan: blood test, then call."),
            broken=("Will be seen again.", "To be continued."),
            remarks=(
                "No line that starts with 'Plan:'. Two off.",
                "The plan is missing.",
                "Without 'Plan:' nobody finds it.",
                "A note ends in a plan; two points.",
            ),
            praise="It has a plan.",
            weight=2,
        ),
        Rule(
            name="herbs",
            kept=("Herbal remedies: none.", "Herbal remedies: St John's wort."),
            broken=("No other medicines.", "Medicines as listed."),
            remarks=(
                "Herbal remedies have to be asked for: three off.",
                "It does not mention herbal remedies.",
                "We had an interaction last year: herbs are a must.",
                "Three off, no word on herbal remedies.",
            ),
            praise="Herbal remedies were asked for.",
            weight=3,
            rare=True,
        ),
    ),
)

DOMAINS = {domain.name: domain for domain in (REPLIES, QUERIES, NOTES)}
