"""Words that tell people, places, relatives, jobs and software from one another."""

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
NO_NAMES = r"\w{3,6}day|Christmas|Easter|" + "|".join(MONTHS)
"""What begins with a capital and is neither somebody nor somewhere."""
NOBODY = (
    r"The|This|That|These|Those|There|Here|It|He|She|They|We|You|I|My|Our|Your|His|Her|Their"
    r"|Its|What|Who|Which|Some\w*|Any\w*|Every\w*|Each|Both|All|Most|Many|Few|No|None|Nobody|One"
    r"|Nothing|People|If|When|While|Where|Why|How|And|But|Or|So|Not|Then|Now|Today|Tomorrow"
    r"|Yesterday|Maybe|In|On|At|As|For|From|Since|After|By|To|With|Sounds|Looks|Seems|Feels|Smells|Tastes|Admin\w*|System|Root|Assistant|Bot"
    r"|Test\w*|Developer|Null|Undefined|Anonymous|Guest|God|Jesus|Santa"
)
SOFTWARE = (
    r"Android|Angular|AWS|Azure|Bitbucket|Bluesky|ChatGPT|Chrome|Copilot|Debian|Discord|Django"
    r"|Docker|Duolingo|Emacs|Evernote|Excel|Facebook|Fedora|Figma|Firefox|GCP|Git|GitHub|GitLab"
    r"|Gmail|Golang|Haskell|Instagram|iOS|iPhone|Java|JavaScript|Jira|Kotlin|Kubernetes|Linkedin"
    r"|Linux|Mac|macOS|Mastodon|Minecraft|MongoDB|MySQL|Neovim|Netflix|Node\w*|Notion|Obsidian"
    r"|Outlook|PHP|Postgres\w*|PyTorch|Python|React|Reddit|Redis|Scala|Slack|Snapchat|Spotify"
    r"|SQL|SQLite|Svelte|Telegram|TensorFlow|TikTok|Tinder|Trello|Twitter|TypeScript|Ubuntu|Vim"
    r"|Vue|WhatsApp|Windows|Wordpress|YouTube|Zoom"
)
"""That nobody lives in, and that loves nobody."""
NOWHERE = (
    rf"{NO_NAMES}|{SOFTWARE}|Arch|Brave|Claude|Cursor|Gemini|Go|Ruby|Rust|Safari|Signal|Swift|Teams"
    r"|Accounting|Analytics|Design|DevOps|Engineering|Finance|Hardware|HR|IT|Legal|Logistics"
    r"|Management|Marketing|Operations|Ops|Procurement|Product|QA|Recruiting|Research|Sales"
    r"|Security|Software|Strategy|Support|Heaven|Hell|Denial|Unter|Miete"
    r"|Amazon|Anthropic|Apple|Google|IBM|Meta|Microsoft|OpenAI|Plan|Chapter|Level|Phase|Stage|Step"
)
"""What one can move to, or be in, and that is no place."""
NO_PLACE_ENDS = "Team|Department|Division|Group|Inc|Corp|Cloud|Pro|Edition|Project|Mode"
NO_EMPLOYERS = rf"Night|Home|Nacht|Tag|Once|Last|First|Least|{NO_NAMES}"
PLACES_WITH_THE = (
    "Netherlands|Philippines|Bahamas|Maldives|Hague|Bronx|Midwest|Seychelles|Gambia|Congo|Caribbean"
    "|Alps|Highlands|Hamptons|Algarve"
)
NO_NAMES_OF_KIN = (
    r"\w+(?:ish|ese)|(?!(?:Br|Adr|Jul|Viv|Gill|Fab|Sebast|Dam|Dor|Lill)ian)\w+ian"
    "|French|German|Dutch|Greek|Czech|Swiss|Thai|Welsh|American|Mexican|African|Korean|Moroccan"
    "|Cuban|Chilean|Tibetan|Israeli|Iraqi|Pakistani|Filipino|Latino|Latina|Muslim|Catholic|Hindu"
    "|Buddhist|Protestant|Republican|Democrat|Virgo|Taurus|Aries|Gemini|Scorpio|Aquarius|Capricorn"
    "|Pisces|Sagittarius|Libra|Vegan|Vegetarian|Pregnant|Away|Mad|Great|Nice|Awesome|Gone|Sick|Back"
)
"""What somebody can be said to be with a capital, without being called so."""
_RELATIVES = (
    *("sister", "brother", "mother", "father", "son", "daughter", "child", "aunt", "uncle"),
    *("cousin", "niece", "nephew", "grandmother", "grandfather", "boss", "doctor", "dentist"),
    *("teacher", "therapist", "girlfriend", "boyfriend", "partner"),
)
KIN = {
    **{each: f"has_{each}" for each in _RELATIVES},
    **dict.fromkeys(("mom", "mum"), "has_mother"),
    "dad": "has_father",
    **dict.fromkeys(("manager", "supervisor"), "has_boss"),
    **dict.fromkeys(("wife", "husband", "spouse"), "married_to"),
    **dict.fromkeys(("fianc\u00e9", "fianc\u00e9e", "fiance", "fiancee"), "engaged_to"),
    "friend": "friend_of",
    **dict.fromkeys(("colleague", "coworker", "co-worker"), "works_with"),
    **dict.fromkeys(("neighbour", "neighbor"), "neighbour_of"),
    **dict.fromkeys(("roommate", "flatmate", "housemate"), "lives_with"),
}
"""Predicates from somebody to whoever is their sister, their boss, and so on."""
CIRCLES = frozenset({"friend_of", "works_with", "neighbour_of"})
"""Of whom there are so many that "my friend" may be another one than was named."""
PETS = {each: f"has_{each}" for each in ("dog", "cat", "horse", "rabbit", "parrot", "hamster")}
SEVERAL = {
    **{f"{each}s": each for each in [*_RELATIVES, *PETS] if each not in {"child", "boss"}},
    **dict.fromkeys(("children", "kids"), "child"),
}
"""What two of them are called."""
NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "2": 2, "3": 3, "4": 4, "5": 5}
PAIRS = {
    **dict.fromkeys(("friends", "best friends", "good friends"), "friend_of"),
    **dict.fromkeys(("siblings", "twins", "brothers", "sisters"), "sibling_of"),
    "married": "married_to",
    "engaged": "engaged_to",
    **dict.fromkeys(("colleagues", "coworkers"), "works_with"),
    **dict.fromkeys(("neighbours", "neighbors"), "neighbour_of"),
    **dict.fromkeys(("roommates", "flatmates"), "lives_with"),
    "cousins": "has_cousin",
}
PROFESSIONS = (
    "accountant|actor|actress|analyst|architect|artist|attorney|baker|barber|barista|bartender"
    "|biologist|bookkeeper|bricklayer|butcher|carpenter|cashier|chef|chemist|cleaner|consultant"
    "|cook|copywriter|counselor|counsellor|courier|data scientist|dentist|designer|developer"
    "|dietitian|doctor|economist|editor|electrician|engineer|farmer|firefighter|fisherman"
    "|florist|gardener|geologist|hairdresser|historian|illustrator|janitor|jeweller|journalist"
    "|judge|lawyer|lecturer|librarian|lifeguard|locksmith|machinist|mathematician|mechanic|midwife"
    "|musician|nanny|neurologist|nurse|nutritionist|optician|optometrist|paralegal|paramedic"
    "|pathologist|pharmacist|photographer|physician|physicist|physiotherapist|pilot|plumber"
    "|police officer|postman|producer|professor|programmer|project manager|product manager"
    "|psychiatrist|psychologist|radiologist|realtor|receptionist|recruiter|reporter|roofer|sailor"
    "|salesman|scientist|secretary|social worker|sociologist|soldier|statistician|surgeon|surveyor"
    "|tailor|teacher|technician|therapist|translator|tutor|veterinarian|waiter|waitress|welder"
)
NO_PART_OF_A_JOB = (
    "amateur|aspiring|avid|awful|awesome|bad|big|born|closet|decent|excellent|failed|fake|fan|fellow"
    "|future|good|great|happy|hobby|home|horrible|huge|keen|lazy|lousy|natural|passionate|poor"
    "|pretend|pretty|proper|proud|real|retired|self-taught|single|struggling|terrible|true|trained"
    "|unemployed|wannabe|weekend|would-be"
)
"""What makes a word for a profession another claim."""
NO_JOBS = (
    "team|group|unit|whole|pair|couple|duo|crew|family|charm|slave|dog|horse|mule|machine|robot"
    "|distraction|favou?r|backup|hobby"
)
"""As what one works without its being a profession."""
NO_ALLERGENS = (
    "bullshit|bs|nonsense|people|drama|stupidity|stupid|work|exercise|exercising|morning|mornings"
    "|mondays|idiots|commitment|fun|school|responsibility|effort|math|maths|meetings|cardio|gym"
    "|sports|liars|lies|losing|waking|housework|homework|chores|crap|shit"
)
LABELS = frozenset(
    {
        *("todo", "fixme", "example", "question", "answer", "q", "a", "test", "draft"),
        *("title", "subject", "topic", "summary", "warning", "error", "quote", "lyrics", "tip"),
        *("hint", "idea", "goal", "task", "story", "joke", "prompt", "translation", "result"),
        *("output", "input", "context", "scene", "plot", "character", "narrator", "bot", "ai"),
        *(
            "headline",
            "caption",
            "plan",
            "template",
            "sample",
            "debug",
            "log",
            "hypothesis",
            "scenario",
        ),
        *("deadline"),
    }
)
"""What stands before a colon when what follows is nobody's own words."""
NO_SPEAKERS = frozenset({"note", "update", "edit", "reminder", "fact", "ps", "info", "user", "me"})
"""What stands before the user's own words and is no name of who speaks."""
