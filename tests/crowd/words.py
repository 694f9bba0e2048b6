"""Names and words of the crowd. Every person in it is made up."""

ORGANIZATIONS = [
    *("Acme", "Globex", "Initech", "Umbrella Health", "Stark Logistics", "Wayne Foods", "Hooli"),
    *("Pied Piper", "Vandelay Imports", "Soylent Kitchens", "Cyberdyne", "Tyrell Robotics"),
    *("Wonka Sweets", "Oceanic Air", "Massive Dynamic", "Dunder Paper", "Bluth Homes", "Gringotts Bank"),
    *("Monarch Parks", "Aperture Labs", "Nakatomi Trading", "Virtucon", "Prestige Hotels", "Sirius Radio"),
]

#: Name, description, and the median turnaround in days.
PACKAGES = [
    ("Standard criminal check", "County and federal criminal records, seven years", 2.2),
    ("Employment and education", "Last three employers and the highest degree", 4.1),
    ("Driver's record", "Motor vehicle records of each state of residence", 1.1),
    ("Executive due diligence", "Criminal, civil, credit, media and directorships", 7.5),
]

JOBS = [
    *("Backend Engineer", "Frontend Engineer", "Data Analyst", "Site Reliability Engineer"),
    *("Product Designer", "Product Manager", "Engineering Manager", "Account Executive"),
    *("Sales Development Representative", "Customer Success Manager", "Support Specialist"),
    *("Recruiter", "People Partner", "Payroll Specialist", "Financial Controller", "Staff Accountant"),
    *("Legal Counsel", "Office Manager", "Warehouse Associate", "Delivery Driver", "Forklift Operator"),
    *("Night Shift Supervisor", "Registered Nurse", "Chief Financial Officer", "VP of Operations"),
]

FIRST_NAMES = [
    *("Ada", "Bo", "Carmen", "Dmitri", "Eun-ji", "Farah", "Giulia", "Hannah", "Ibrahim", "Jamal", "Kofi"),
    *("Lena", "Mateo", "Nia", "Omar", "Priya", "Quentin", "Rosa", "Søren", "Tomasz", "Uma", "Valentina"),
    *("Wei", "Ximena", "Yusuf", "Zoë", "Aaliyah", "Benjamin", "Chidi", "Dolores", "Emre", "Freya"),
]
LAST_NAMES = [
    *("Adeyemi", "Bauer", "Castillo", "Dvořák", "Ek", "Fontaine", "Guzmán", "Haddad", "Ito", "Jansen"),
    *("Kowalski", "Lindqvist", "Mbeki", "Novak", "O'Neil", "Park", "Quiroga", "Rossi", "Sato", "Takahashi"),
    *("Ueda", "Vance", "Washington", "Xu", "Yıldız", "Zhang", "Abernathy", "Brightwater", "Carmichael"),
    *("Delacroix", "Eastwood", "Featherstone", "Greengrass", "Holloway", "Ingleby", "Johansson"),
]

#: Words of Justifacts' that the portal does not know.
UNKNOWN_WORDS = ["On Hold - Awaiting Documents", "Court Closed", "Pending Client Review"]

REFUSALS = [
    "The package is not enabled for this account.",
    "The candidate's e-mail address is not valid.",
    "A check for this candidate was ordered less than 24 hours ago.",
]
CANCEL_REASONS = ["Cancelled in Ashby", "Candidate withdrew", "Duplicate order"]

PAUSED = (
    "Ashby refused the API key (403): the key is not allowed to use assessment.update. Deliveries of "
    "{name} are paused. An admin of {name} has to choose a working key, or repair this one in Ashby and "
    "test the connection."
)
SLOW = "Justifacts did not answer within 20 seconds."
AWAY = "Ashby answered 503 (Service Unavailable)."

TESTED = [
    {"side": side, "state": state, "text": text}
    for side, state, text in (
        ("Ashby", "ok", "The key “Justifacts” works and may update candidates."),
        (
            "Ashby",
            "advice",
            "The key may do far more than the portal needs (jobs:write, organization:read). It needs "
            "candidates:write, jobs:read and apiKeys:read.",
        ),
        ("Justifacts", "ok", "The verification key works; Justifacts offers 4 packages."),
        ("Portal", "ok", "At https://checks.example.com/ashby/ Ashby finds 5 assessment types."),
        ("Portal", "ok", "A wrong key is refused."),
        ("Portal", "ok", "The address works with one slash and with two."),
        ("Portal", "ok", "Custom fields are answered: 0."),
    )
]
