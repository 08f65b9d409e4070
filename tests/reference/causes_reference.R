# Depletion score, other causes and arterial disease, a second time and by other hands.
#
#   Rscript causes_reference.R RAW_DIR OUT_DIR
#
# RAW_DIR as for nhanes_reference.R, whose derivations are used and added to; nothing of the Python code is. Drugs, score
# and causes are derived here from their definitions in the README's protocol.
# Made with R 4.2.2, survey 4.1.1, foreign 0.8.84.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "nhanes_reference.R"))

SOURCES[[4]]$take$height_cm <- "BMXHT"
optional <- function(tables, take) list(tables = tables, take = take)
SOURCES <- c(SOURCES, list(
  optional(c("LAB18", "L40_B", "L40_C"), list(creatinine = c("LBXSCR", "LBDSCR"))),
  optional(c("LAB06", "L06_B", "L06NB_C"), list(b12 = "LBXB12", folate = "LBXFOL")),
  optional(c("LAB06", "L06_B", "L06MH_C"), list(mma = "LBXMMA")),
  optional(c("LEXABPI", "LEXAB_B", "LEXAB_C"), list(abi_left = "LEXLABPI", abi_right = "LEXRABPI"))))
METALS <- list(tables = c("LAB06", "L06_B", NA), take = list(lead = "LBXBPB", cadmium = "LBXBCD"))

# ---- prescriptions: a row a drug -----------------------------------------------------------------------------------

WASTING <- c("HYDROCHLOROTHIAZIDE", "CHLOROTHIAZIDE", "BENDROFLUMETHIAZIDE", "METHYCLOTHIAZIDE", "HYDROFLUMETHIAZIDE",
             "POLYTHIAZIDE", "TRICHLORMETHIAZIDE", "CHLORTHALIDONE", "INDAPAMIDE", "METOLAZONE", "FUROSEMIDE",
             "BUMETANIDE", "TORSEMIDE", "ETHACRYNIC", "DIURETIC-UNSPECIFIED", "DIURETICS")
SPARING <- c("SPIRONOLACTONE", "TRIAMTERENE", "AMILORIDE", "EPLERENONE")
INHIBITORS <- c("OMEPRAZOLE", "ESOMEPRAZOLE", "LANSOPRAZOLE", "PANTOPRAZOLE", "RABEPRAZOLE")

has_drug <- function(names, class) {
  vapply(strsplit(as.character(names), ";", fixed = TRUE), function(parts) {
    any(sub(" .*$", "", trimws(parts)) %in% class)
  }, TRUE)
}

add_drugs <- function(people, raw) {
  people[c("diuretic", "wasting", "ppi", "unknown_drugs")] <- NA_real_
  for (cycle in CYCLES) {
    table <- c("RXQ_RX", "RXQ_RX_B", "RXQ_RX_C")[match(cycle, CYCLES)]
    rows <- foreign::read.xport(file.path(raw, cycle, paste0(table, ".xpt")))
    use <- rows[[intersect(c("RXD030", "RXDUSE"), names(rows))]]
    name <- rows[[intersect(c("RXD240B", "RXDDRUG"), names(rows))]]
    known <- unique(rows$SEQN[is_code(use, 1:2)])
    taken <- is_code(use, 1)
    count <- function(hit) tabulate(match(rows$SEQN[taken & hit], known), length(known))
    at <- match(known, people$SEQN)
    people$diuretic[at] <- pmin(count(has_drug(name, c(WASTING, SPARING))), 1)
    people$wasting[at] <- pmin(count(has_drug(name, WASTING)), 1)
    people$ppi[at] <- pmin(count(has_drug(name, INHIBITORS)), 1)
    people$unknown_drugs[at] <- count(trimws(name) %in% c("55555", "77777", "99999"))
  }
  people
}

# ---- score, causes, arteries ---------------------------------------------------------------------------------------

ckd_epi_2021 <- function(creatinine, age, female) {
  ratio <- creatinine / ifelse(female, 0.7, 0.9)
  142 * pmin(ratio, 1)^ifelse(female, -0.241, -0.302) * pmax(ratio, 1)^-1.2 * 0.9938^age * ifelse(female, 1.012, 1)
}

add_causes <- function(people, raw) {
  metals <- do.call(rbind, lapply(CYCLES[1:2], function(cycle) read_source(raw, cycle, METALS)))
  people <- cbind(people, metals[match(people$SEQN, metals$SEQN), -1])
  creatinine <- ifelse(people$cycle == 1999, people$creatinine * 1.013 + 0.147, people$creatinine)
  egfr <- ckd_epi_2021(creatinine, people$age_years, people$sex == "female")
  lower <- pmin(people$abi_left, people$abi_right, na.rm = TRUE)
  score <- people$diuretic + people$ppi + (egfr < 90) + (egfr < 60) + people$alcohol_heavy
  transform(people, score = score, score_1 = (score == 1) + 0, score_2 = (score == 2) + 0, score_3 = (score >= 3) + 0,
            egfr_60_to_90 = (egfr >= 60 & egfr < 90) + 0, egfr_below_60 = (egfr < 60) + 0,
            high = (score >= 2) + 0, height_10_cm = height_cm / 10, b12_below_200 = (b12 < 200) + 0,
            b12_below_300 = (b12 < 300) + 0, folate_log2 = log2(folate), mma_high = (mma >= 0.271) + 0,
            lead_log2 = log2(lead), cadmium_log2 = log2(cadmium), pad = (lower < 0.9) + 0)
}

# ---- one row a term ------------------------------------------------------------------------------------------------

two_cycles <- function(people) ifelse(people$cycle == 2003 | is.na(people$dietary_4yr), 0, people$dietary_4yr)

term_table <- function(id, people, tested, covariates, cycles = CYCLES, outcome = "strict") {
  cohort <- in_cohort(people, outcome, cycles, "")
  weight <- if (length(cycles) == 2) two_cycles(people) else study_weights(people, "dietary", cycles)
  terms <- c(tested, setdiff(covariates, tested))
  domain <- study_domain(people, weight, outcome, people[terms], cohort)
  fit <- fit_domain(domain, "y", terms)
  found <- fit_rows(id, fit)
  cbind(found[match(tested, found$term), ], n = nrow(domain), cases = sum(fit$y))
}

quartile_table <- function(id, people, covariates) {
  cohort <- in_cohort(people, "pad", CYCLES, "")
  x <- people$magnesium_mg
  quarter <- findInterval(x, type_7(x[cohort], c(0.25, 0.5, 0.75)), left.open = TRUE) + 1
  for (k in 1:3) people[[paste0("quartile_", k)]] <- (quarter == k) + 0
  term_table(id, people, paste0("quartile_", 1:3), covariates, outcome = "pad")
}

main <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript causes_reference.R RAW_DIR OUT_DIR")
  people <- add_causes(add_drugs(read_people(arguments[1]), arguments[1]), arguments[1])
  dry <- setdiff(MODEL_2, grep("^alcohol_", MODEL_2, value = TRUE))
  score_models <- list(crude = character(), "1" = MODEL_1, "2 without alcohol" = dry)
  parts <- c("diuretic", "ppi", "egfr_60_to_90", "egfr_below_60", "alcohol_heavy")
  rows <- c(
    lapply(names(score_models), function(m) term_table(paste("per point", m), people, "score", score_models[[m]])),
    lapply(names(score_models), function(m) {
      term_table(paste("by score", m), people, paste0("score_", 1:3), score_models[[m]])
    }),
    lapply(names(score_models), function(m) term_table(paste("parts together", m), people, parts, score_models[[m]])))
  for (model in c("1", "2")) {
    for (cause in c("height_10_cm", "b12_below_200", "b12_below_300", "folate_log2", "mma_high", "hba1c_percent",
                    "egfr_below_60")) {
      rows <- c(rows, list(term_table(paste("cause", model), people, cause, COVARIATES[[model]])))
    }
    for (metal in c("lead_log2", "cadmium_log2")) {
      rows <- c(rows, list(term_table(paste("cause", model), people, metal, COVARIATES[[model]], c(1999, 2001))))
    }
  }
  rows <- c(rows, lapply(c("1", "2", "3"), function(m) quartile_table(paste("quartiles", m), people, COVARIATES[[m]])))
  cohort <- in_cohort(people, "strict", CYCLES, "")
  counted <- c("diuretic", "wasting", "ppi", "unknown_drugs", "egfr_60_to_90", "egfr_below_60", "b12_below_200",
               "b12_below_300", "mma_high")
  counts <- data.frame(term = counted, n = sapply(counted, function(name) sum(people[[name]][cohort] > 0, na.rm = TRUE)))
  write_table(do.call(rbind, rows), arguments[2], "causes_fits")
  write_table(counts, arguments[2], "causes_counts")
}

if (sys.nframe() == 0L) main(commandArgs(TRUE))
