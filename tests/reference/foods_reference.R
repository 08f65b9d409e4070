# Food groups as sources of magnesium on the real files, by R's survey package: real/foods.csv anew.
#
#   Rscript foods_reference.R RAW_DIR CODES_CSV OUT_DIR
#
# RAW_DIR holds <cycle>/<TABLE>.xpt with the individual-foods files; CODES_CSV (group, code) is the list of whole grains,
# src/analysis/data/foods/codes.csv. People and weights are those of nhanes_reference.R; groups are regular expressions on
# the eight-digit code, as the protocol has them, and nothing of the Python code is used. Groups that fewer than 10 people
# ate are left out. Made with R 4.2.2, survey 4.1.1, foreign 0.8.84, on 2026-11-28.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "nhanes_reference.R"))

FEWEST <- 10
ITEMS <- list("1999" = c("DRXIFF", "DRDIFDCD", "DRXIGRMS", "DRXIMAGN"),
              "2001" = c("DRXIFF_B", "DRDIFDCD", "DRXIGRMS", "DRXIMAGN"),
              "2003" = c("DR1IFF_C", "DR1IFDCD", "DR1IGRMS", "DR1IMAGN"))
PATTERNS <- c(
  leafy = "^721", spinach = "^72125", nuts = "^42(1(?!06)|2|5)", seeds = "^431(?!05)",
  nuts_seeds = "", almonds = "^(421001|42101|422005)", peanuts = "^(42111|42202)", pumpkin_seeds = "^43101",
  legumes = "^41", banana = "^63107", avocado = "^(63105|63408|63409)", dark_chocolate = "^91705[23]00",
  milk_chocolate = "^917050", quinoa = "^$", oatmeal = "^5620[23]", whole_grain = "", coffee = "^921", tea = "^923",
  beer = "^931", milk = "^11[1235]", white_potato = "^71", bread_rolls = "^51", rte_cereal = "^57",
  meat_poultry_fish = "^2(?![78])", wine_spirits = "^93[2-5]", mixed_27_58 = "^(27|28|58)", article = "",
  setNames(paste0("^", 1:9), paste0("digit_", 1:9)))
NAMED <- c("leafy", "nuts", "seeds", "legumes", "whole_grain", "banana", "avocado", "dark_chocolate")
COHORT_GROUPS <- c("leafy", "nuts_seeds", "legumes", "banana", "avocado", "dark_chocolate", "whole_grain", "article")

read_items <- function(raw, cycle) {
  names <- ITEMS[[cycle]]
  frame <- foreign::read.xport(file.path(raw, cycle, paste0(names[1], ".xpt")))[c("SEQN", names[-1])]
  setNames(frame, c("SEQN", "code", "grams", "magnesium"))
}

# Which rows of items belong to a group.
belongs <- function(code, group, whole_grains) {
  if (group == "whole_grain") return(code %in% whole_grains)
  if (group == "nuts_seeds") return(Reduce(`|`, lapply(c("nuts", "seeds"), belongs, code = code)))
  if (group == "article") return(Reduce(`|`, lapply(NAMED, belongs, code = code, whole_grains = whole_grains)))
  grepl(PATTERNS[[group]], sprintf("%.0f", code), perl = TRUE)
}

by_person <- function(people, items, rows, what) {
  sums <- tapply(items[[what]][rows], factor(items$SEQN[rows], levels = people$SEQN), sum)
  unname(ifelse(is.na(sums), 0, sums))
}

estimate_row <- function(domain_name, group, what, found, n, eaters = NA) {
  data.frame(domain = domain_name, group, what, estimate = coef(found)[[1]], std_error = SE(found)[[1]], p_value = NA,
             df = NA, n, cases = NA, eaters)
}

group_rows <- function(domain_name, group, domain, people, items, whole_grains) {
  rows <- belongs(items$code, group, whole_grains)
  domain <- update(domain, mg = by_person(people, items, rows, "magnesium"), grams = by_person(people, items, rows, "grams"),
                   ate = as.numeric(people$SEQN %in% items$SEQN[rows]))
  kept <- subset(domain, inside)
  n <- nrow(kept)
  eaters <- sum(kept$variables$ate)
  if (eaters > 0 && eaters < FEWEST) return(NULL)
  rbind(
    estimate_row(domain_name, group, "share", svyratio(~mg, ~everything, kept), n, eaters),
    if (eaters > 0) within(estimate_row(domain_name, group, "mg_per_100g", svyratio(~mg, ~grams, kept), n, eaters), {
      std_error <- 100 * std_error
      estimate <- 100 * estimate
    }),
    estimate_row(domain_name, group, "ate", svymean(~ate, kept), n, eaters))
}

odds_ratio_rows <- function(domain, people, items, whole_grains) {
  named <- by_person(people, items, belongs(items$code, "article", whole_grains), "magnesium")
  kept <- subset(update(domain, article = named / 100, other = (people$everything - named) / 100), inside)
  fit <- fit_domain(kept, "strict", c("article", "other", MODEL_1))
  table <- coef(summary(fit, df.resid = fit$df.residual))[c("article", "other"), ]
  data.frame(domain = "cohort", group = rownames(table), what = "log_odds_ratio", estimate = table[, 1],
             std_error = table[, 2], p_value = table[, 4], df = fit$df.residual, n = nrow(kept), cases = sum(fit$y),
             eaters = NA)
}

main_foods <- function(arguments) {
  people <- read_people(arguments[1])
  codes <- read.csv(arguments[2])
  whole_grains <- codes$code[codes$group == "whole_grain"]
  items <- do.call(rbind, lapply(names(ITEMS), read_items, raw = arguments[1]))
  items[is.na(items)] <- 0
  people$everything <- by_person(people, items, rep(TRUE, nrow(items)), "magnesium")
  people$weight <- study_weights(people, "dietary", CYCLES)
  reliable <- is_code(people$recall_status, 1) & people$weight > 0
  domains <- list(adults = reliable & people$age_years >= 20,
                  cohort = reliable & in_cohort(people, "strict", CYCLES, ""))
  rows <- lapply(names(domains), function(name) {
    people$inside <- domains[[name]]
    design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~weight, data = people)
    groups <- if (name == "adults") names(PATTERNS) else COHORT_GROUPS
    kept <- subset(design, inside)
    total <- within(estimate_row(name, "", "mean_mg", svymean(~everything, kept), nrow(kept)), std_error <- NA)
    rows <- c(list(total), lapply(groups, function(group) group_rows(name, group, design, people, items, whole_grains)))
    if (name == "cohort") rows <- c(rows, list(odds_ratio_rows(design, people, items, whole_grains)))
    do.call(rbind, rows)
  })
  write_table(do.call(rbind, rows), arguments[3], "foods")
}

if (sys.nframe() == 0) main_foods(commandArgs(TRUE))
